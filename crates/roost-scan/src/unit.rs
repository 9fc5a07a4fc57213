//! The one intermediate form: what is left of a file of any language once its grammar does not matter any more.
//!
//! Expressions lie in one arena and name each other by index. A step is a statement as the flow sees it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// The place of an expression in its unit.
pub(crate) type ExprId = usize;

/// The place of a function in its unit.
pub(crate) type FunctionId = usize;

/// One parsed file.
#[derive(Debug)]
pub(crate) struct Unit<'a> {
    pub(crate) source: &'a str,
    pub(crate) exprs: Vec<Expr<'a>>,
    /// The first is the file's own top level.
    pub(crate) functions: Vec<Function<'a>>,
    /// What each imported name stands for, as a dotted path.
    pub(crate) imports: HashMap<&'a str, String>,
    /// Where the first piece lies that the grammar does not know.
    pub(crate) broken_at: Option<usize>,
    /// From where on the file was not read, because it is built against readers.
    pub(crate) gave_up_at: Option<usize>,
}

/// One expression.
#[derive(Debug)]
pub(crate) struct Expr<'a> {
    pub(crate) kind: Kind<'a>,
    /// Where it begins, in bytes.
    pub(crate) start: usize,
    /// Where it ends, in bytes.
    pub(crate) end: usize,
}

/// What an expression is to the flow.
#[derive(Debug)]
pub(crate) enum Kind<'a> {
    /// A string that is written out, without its quotes, escapes as they stand.
    Text(Cow<'a, str>),
    /// A number, a truth value, nothing.
    Constant,
    /// A variable.
    Name(&'a str),
    /// `base.name`.
    Member { base: ExprId, name: &'a str },
    /// `base[index]`.
    Index { base: ExprId, index: ExprId },
    /// A call of a function, a constructor or a program.
    Call { target: ExprId, args: Vec<Arg<'a>> },
    /// Text put together: interpolation, `+`, `format`.
    Join(Vec<ExprId>),
    /// A list that is written out.
    List(Vec<ExprId>),
    /// Keys and values that are written out.
    Dict(Vec<(Option<ExprId>, ExprId)>),
    /// Anything else whose value may hold any of its parts.
    Group(Vec<ExprId>),
    /// A comparison: evaluates its parts, and holds none of them.
    Test(Vec<ExprId>),
    /// An assignment that is an expression.
    Set { target: ExprId, value: ExprId },
    /// What a generator gives.
    Yield(ExprId),
    /// A function without a name.
    Function(FunctionId),
}

/// One argument of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arg<'a> {
    /// Its keyword. Programs have `stdin`, `program` and redirections such as `>`.
    pub(crate) name: Option<&'a str>,
    pub(crate) value: ExprId,
}

/// One function, method, closure, or a file's top level.
#[derive(Debug, Default)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    pub(crate) params: Vec<&'a str>,
    pub(crate) decorators: Vec<ExprId>,
    /// What the class inherits from, of a method.
    pub(crate) bases: Vec<ExprId>,
    pub(crate) body: Vec<Step<'a>>,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The expressions in it.
    pub(crate) exprs: Range<ExprId>,
    /// Whether it stands in another function.
    pub(crate) nested: bool,
    /// Whether anything in it is done under a condition only.
    pub(crate) branches: bool,
}

/// One statement.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    Eval(ExprId),
    /// A condition that decides what happens.
    Decide(ExprId),
    Set {
        target: ExprId,
        value: ExprId,
        /// What was in the target stays part of it.
        adds: bool,
    },
    Return(ExprId),
    /// Ends the block: return, raise, break, continue.
    Leave,
    Branch {
        arms: Vec<Vec<Step<'a>>>,
        /// One of the arms is taken for certain.
        exhaustive: bool,
    },
    Loop {
        body: Vec<Step<'a>>,
        /// It has no condition and nothing in it leaves it.
        endless: bool,
        start: usize,
    },
    Define(FunctionId),
    /// From here on these names are among what was checked for.
    Checked(Vec<&'a str>),
}

impl<'a> Unit<'a> {
    /// Returns the source of an expression.
    pub(crate) fn text(&self, id: ExprId) -> &'a str {
        let expr = &self.exprs[id];
        self.source.get(expr.start..expr.end).unwrap_or("")
    }

    /// Returns the written-out string that an expression is.
    pub(crate) fn literal(&self, id: ExprId) -> Option<&str> {
        if let Kind::Text(text) = &self.exprs[id].kind { Some(text) } else { None }
    }

    /// Returns the name that an expression is.
    pub(crate) fn name(&self, id: ExprId) -> Option<&'a str> {
        if let Kind::Name(name) = &self.exprs[id].kind { Some(name) } else { None }
    }

    /// Returns the base and the name of the member that an expression is.
    pub(crate) fn member(&self, id: ExprId) -> Option<(ExprId, &'a str)> {
        if let Kind::Member { base, name } = &self.exprs[id].kind { Some((*base, name)) } else { None }
    }

    /// Returns the items of the list that an expression is.
    pub(crate) fn list(&self, id: ExprId) -> Option<&[ExprId]> {
        if let Kind::List(items) = &self.exprs[id].kind { Some(items) } else { None }
    }
}
