use eyas_ir::{Constant, Graph, InferError, Op, Origin, TensorType, Value};
use eyas_kernels::Contraction;
use eyas_plan::Place;
use eyas_tensor::{DType, Dim, Number};

use crate::ScheduleError;
use crate::arguments::Home;
use crate::contraction::Sums;
use crate::graph_writer::{Around, GraphWriter};
use crate::view::is_view;

/// A parameter that is a weight in panels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packing {
    pub(crate) path: String,
    pub(crate) ty: TensorType,
    pub(crate) counters: Vec<(String, i64, i64)>,
    pub(crate) graph: Graph,
}

impl GraphWriter<'_, '_, '_> {
    /// The right operand of a contraction in panels, where it is a weight that can be packed
    /// before the run.
    pub(crate) fn pack(
        &mut self,
        sums: &Sums,
        swapped: bool,
        contraction: &Contraction,
    ) -> Result<Option<(Home, usize)>, ScheduleError> {
        let Some(width) = self.scheduler.options.panel_width else {
            return Ok(None);
        };
        let plain = contraction.batch.is_empty()
            && contraction.columns.len() == 1
            && !contraction.contracted.is_empty()
            && sums.accumulator == DType::F32;
        let Op::Contraction { spec, .. } = self.graph.op(sums.value) else {
            return Ok(None);
        };
        let operand = self.graph.operands(sums.value.node)[usize::from(!swapped)];
        if !plain || width == 0 || self.graph.type_of(operand).dtype != DType::F32 {
            return Ok(None);
        }
        let (letters, columns) = match swapped {
            false => (&spec.right, spec.columns()),
            true => (&spec.left, spec.rows()),
        };
        let order = spec.contracted().into_iter().chain(columns);
        let order = order.map(|letter| letters.iter().position(|own| *own == letter));
        let Some(order) = order.collect::<Option<Vec<usize>>>() else {
            return Ok(None);
        };
        let Some((path, graph)) = self.panels(operand, &order, spec.contracted().len(), width)
        else {
            return Ok(None);
        };
        let Some(counters) = counters(&path, &self.around) else {
            return Ok(None);
        };
        let ty = graph
            .outputs()
            .first()
            .map(|(_, value)| graph.type_of(*value).clone());
        let Some(ty) = ty else { return Ok(None) };
        let path = self.scheduler.packed(&path, width, &ty, counters, graph);
        let home = self.scheduler.plan.given(Place::Parameter(path), &ty)?;
        Ok(Some((home, width)))
    }

    /// The graph that packs a weight, and the weight's path. `order` gives the operand's axes:
    /// first those that are summed over.
    fn panels(
        &self,
        operand: Value,
        order: &[usize],
        contracted: usize,
        width: usize,
    ) -> Option<(String, Graph)> {
        let (mut views, mut value) = (Vec::new(), operand);
        let path = loop {
            match self.graph.op(value) {
                Op::Parameter { path } => break path.clone(),
                Op::Broadcast { .. } => return None,
                op if is_view(op) => {
                    views.push(op.clone());
                    value = self.graph.operands(value.node)[0];
                }
                _ => return None,
            }
        };
        let mut graph = Graph::new("panels");
        let ty = self.graph.type_of(value).clone();
        let op = Op::Parameter { path: path.clone() };
        let origin = self.graph.node(value.node).origin.clone();
        let mut value = graph.add_typed(op, &[], vec![ty], origin.clone());
        for view in views.into_iter().rev() {
            value = graph.add(view, &[value]).ok()?;
        }
        let packed = write_panels(&mut graph, value, order, contracted, width, &origin);
        graph.add_output("panels", packed.ok()??);
        Some((path, graph))
    }
}

/// `[panels, contracted, width]` of a weight.
fn write_panels(
    graph: &mut Graph,
    weight: Value,
    order: &[usize],
    contracted: usize,
    width: usize,
    origin: &Origin,
) -> Result<Option<Value>, InferError> {
    let shape = graph.type_of(weight).shape.clone();
    let extents: Option<Vec<i64>> = order
        .iter()
        .map(|&axis| shape[axis].as_constant())
        .collect();
    let Some(extents) = extents.filter(|extents| extents.iter().all(|&extent| extent > 0)) else {
        return Ok(None);
    };
    let product = |extents: &[i64]| extents.iter().try_fold(1i64, |n, x| n.checked_mul(*x));
    let (rows, columns) = (
        product(&extents[..contracted]),
        product(&extents[contracted..]),
    );
    let (Some(rows), Some(columns), Ok(width)) = (rows, columns, i64::try_from(width)) else {
        return Ok(None);
    };
    let panels = columns.checked_add(width - 1).map(|n| n / width);
    let whole = panels.and_then(|panels| panels.checked_mul(width));
    let (Some(panels), Some(whole)) = (panels, whole) else {
        return Ok(None);
    };
    let dims = |extents: &[i64]| extents.iter().map(|&n| Dim::from(n)).collect::<Vec<Dim>>();
    let mut value = weight;
    let mut add = |op: Op, value: Value| -> Result<Value, InferError> {
        let types = eyas_ir::infer::result_types(&op, &[graph.type_of(value)])?;
        Ok(graph.add_typed(op, &[value], types, origin.clone()))
    };
    let permutation = order.to_vec();
    value = add(Op::Transpose { permutation }, value)?;
    let shape = dims(&[rows, columns]);
    value = add(Op::Reshape { shape }, value)?;
    if whole > columns {
        let op = Op::Pad {
            low: dims(&[0, 0]),
            high: dims(&[0, whole - columns]),
            value: Constant::scalar(DType::F32, Number::Float(0.0)),
        };
        value = add(op, value)?;
    }
    let shape = dims(&[rows, panels, width]);
    value = add(Op::Reshape { shape }, value)?;
    let permutation = vec![1, 0, 2];
    add(Op::Transpose { permutation }, value).map(Some)
}

/// The counters that a path names; `None` where one is not known before the run.
fn counters(path: &str, around: &[Around]) -> Option<Vec<(String, i64, i64)>> {
    let mut counters = Vec::new();
    for around in around {
        if path.contains(&format!("{{{}}}", around.variable)) {
            let (start, count) = (around.start.as_constant()?, around.count.as_constant()?);
            counters.push((around.variable.clone(), start, count));
        }
    }
    (path.matches('{').count() == counters.len()).then_some(counters)
}

impl crate::scheduler::Scheduler<'_> {
    /// The path of a packed weight; the same for the same packing.
    fn packed(
        &mut self,
        path: &str,
        width: usize,
        ty: &TensorType,
        counters: Vec<(String, i64, i64)>,
        graph: Graph,
    ) -> String {
        for number in 1.. {
            let path = match number {
                1 => format!("{path}:panels{width}"),
                _ => format!("{path}:panels{width}.{number}"),
            };
            let packing = Packing {
                path: path.clone(),
                ty: ty.clone(),
                counters: counters.clone(),
                graph: graph.clone(),
            };
            let known = self.packings.iter().find(|known| known.path == path);
            match known {
                Some(known) if *known == packing => return path,
                Some(_) => {}
                None => {
                    self.packings.push(packing);
                    return path;
                }
            }
        }
        String::new()
    }
}
