//! Machine drivers, the hands inside every machine, and the suite every driver passes.
