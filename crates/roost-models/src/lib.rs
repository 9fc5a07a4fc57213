//! Model providers: one neutral form, one folder per wire format.
