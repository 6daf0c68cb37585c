//! Walks over the tree, for what needs no types.

use eyas_syntax::ast::{
    Argument, Block, Expr, ExprKind, Index, Label, Signature, Stage, Statement, TypeDim,
};

/// Calls `visit` for an expression and all expressions in it, the outer first.
pub(crate) fn expression<'t>(tree: &'t Expr, visit: &mut dyn FnMut(&'t Expr)) {
    visit(tree);
    match &tree.kind {
        ExprKind::Number(_)
        | ExprKind::Bool(_)
        | ExprKind::String(_)
        | ExprKind::Name(_)
        | ExprKind::Selector(_) => {}
        ExprKind::Tuple(parts) => parts.iter().for_each(|part| expression(part, visit)),
        ExprKind::Group(inner) => expression(inner, visit),
        ExprKind::Unary { operand, .. } => expression(operand, visit),
        ExprKind::Binary { left, right, .. } => {
            expression(left, visit);
            expression(right, visit);
        }
        ExprKind::Call(call) => {
            label(call.label.as_ref(), visit);
            arguments(&call.arguments, visit);
        }
        ExprKind::Pattern(call) => arguments(&call.arguments, visit),
        ExprKind::Pipe(pipe) => {
            expression(&pipe.input, visit);
            for stage in &pipe.stages {
                match stage {
                    Stage::Call(call) => {
                        label(call.label.as_ref(), visit);
                        arguments(&call.arguments, visit);
                    }
                    Stage::Pattern(call) => arguments(&call.arguments, visit),
                }
            }
        }
        ExprKind::Index { base, indices } => {
            expression(base, visit);
            indices.iter().for_each(|entry| index(entry, visit));
        }
        ExprKind::Field { base, .. } => expression(base, visit),
    }
}

fn label<'t>(label: Option<&'t Label>, visit: &mut dyn FnMut(&'t Expr)) {
    if let Some(index) = label.and_then(|label| label.index.as_deref()) {
        expression(index, visit);
    }
}

fn arguments<'t>(list: &'t [Argument], visit: &mut dyn FnMut(&'t Expr)) {
    for argument in list {
        expression(&argument.value, visit);
    }
}

fn index<'t>(entry: &'t Index, visit: &mut dyn FnMut(&'t Expr)) {
    match entry {
        Index::At(place) => expression(place, visit),
        Index::Slice {
            start, end, step, ..
        } => {
            for part in [start, end, step].into_iter().flatten() {
                expression(part, visit);
            }
        }
        Index::Rest(_) => {}
    }
}

/// Calls `visit` for every expression of a block.
pub(crate) fn block<'t>(tree: &'t Block, visit: &mut dyn FnMut(&'t Expr)) {
    for line in &tree.statements {
        match line {
            Statement::Parameter(parameter) => {
                extents(parameter.ty.shape.as_deref(), visit);
                for part in [&parameter.initialiser, &parameter.guard]
                    .into_iter()
                    .flatten()
                {
                    expression(part, visit);
                }
            }
            Statement::Assign(assign) => expression(&assign.value, visit),
            Statement::Return(line) => line
                .values
                .iter()
                .for_each(|value| expression(value, visit)),
            Statement::Assert(line) => expression(&line.condition, visit),
            Statement::Repeat(repeat) => {
                expression(&repeat.start, visit);
                expression(&repeat.end, visit);
                block(&repeat.body, visit);
            }
        }
    }
}

/// Calls `visit` for every expression of a signature.
pub(crate) fn signature<'t>(tree: &'t Signature, visit: &mut dyn FnMut(&'t Expr)) {
    use eyas_syntax::ast::Results;
    for formal in &tree.formals {
        if let Some(ty) = &formal.ty {
            extents(ty.shape.as_deref(), visit);
        }
        if let Some(default) = &formal.default {
            expression(default, visit);
        }
    }
    match &tree.results {
        Some(Results::Unnamed(ty)) => extents(ty.shape.as_deref(), visit),
        Some(Results::Named(outputs)) => {
            for output in outputs {
                extents(output.ty.shape.as_deref(), visit);
            }
        }
        None => {}
    }
    tree.facts.iter().for_each(|fact| expression(fact, visit));
}

fn extents<'t>(shape: Option<&'t [TypeDim]>, visit: &mut dyn FnMut(&'t Expr)) {
    for entry in shape.into_iter().flatten() {
        if let TypeDim::Dim(extent) = entry {
            expression(extent, visit);
        }
    }
}

/// The names of the functions that an expression calls itself, not in its parts.
pub(crate) fn called(tree: &Expr) -> Vec<&eyas_syntax::ast::Name> {
    match &tree.kind {
        ExprKind::Call(call) => vec![&call.function],
        ExprKind::Pipe(pipe) => pipe
            .stages
            .iter()
            .filter_map(|stage| match stage {
                Stage::Call(call) => Some(&call.function),
                Stage::Pattern(_) => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The names that a block assigns to, those of inner `repeat`s too.
pub(crate) fn assigned(tree: &Block) -> Vec<&eyas_syntax::ast::Name> {
    let mut names = Vec::new();
    for line in &tree.statements {
        match line {
            Statement::Assign(assign) => names.extend(&assign.targets),
            Statement::Repeat(repeat) => names.extend(assigned(&repeat.body)),
            Statement::Parameter(_) | Statement::Return(_) | Statement::Assert(_) => {}
        }
    }
    names
}
