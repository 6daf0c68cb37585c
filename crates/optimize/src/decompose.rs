use eyas_ir::{Module, Op, Value};

use crate::report::PassReport;
use crate::{Error, Options};

/// Replaces composites by the primitives that they are made of.
pub(crate) fn decompose(
    module: &mut Module,
    _options: &Options,
    report: &mut PassReport,
) -> Result<(), Error> {
    let mut decomposed = 0;
    for graph in &mut module.graphs {
        for node in graph.topological_order() {
            let Op::Composite { composite } = graph.node(node).op.clone() else {
                continue;
            };
            let (operands, origin) = (graph.operands(node), graph.node(node).origin.clone());
            let value = graph.add_decomposed(&composite, &operands, &origin)?;
            graph.replace_uses(Value { node, result: 0 }, value);
            decomposed += 1;
        }
        graph.remove_dead();
    }
    report.counts.insert("composites".into(), decomposed);
    Ok(())
}
