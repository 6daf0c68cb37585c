use crate::grammar::Rule;

/// The rules in plain words, each once, as in "`,`, `)` or an operator".
pub(super) fn listed(rules: &[Rule]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for rule in rules.iter().filter(|rule| !is_continuation(**rule)) {
        let word = in_words(*rule);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.is_empty() && !rules.is_empty() {
        words.push("an operator");
    }
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// What may follow any value, and so says nothing about this one.
fn is_continuation(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::infix
            | Rule::index
            | Rule::field
            | Rule::wildcard
            | Rule::labelled
            | Rule::pipe
            | Rule::hint
            | Rule::bang
    )
}

fn in_words(rule: Rule) -> &'static str {
    match rule {
        Rule::WHITESPACE | Rule::EOI | Rule::chunk | Rule::newline => "the end of the line",
        Rule::item
        | Rule::version
        | Rule::use_item
        | Rule::dim_item
        | Rule::const_item
        | Rule::layer
        | Rule::model
        | Rule::rule_item
        | Rule::train
        | Rule::quantize => "an item",
        Rule::kw_eyas
        | Rule::kw_use
        | Rule::kw_dim
        | Rule::kw_const
        | Rule::kw_layer
        | Rule::kw_model
        | Rule::kw_rule
        | Rule::kw_train
        | Rule::kw_quantize => "an item",
        Rule::statement
        | Rule::parameter
        | Rule::return_statement
        | Rule::assert_statement
        | Rule::repeat_statement
        | Rule::assign
        | Rule::train_statement
        | Rule::data
        | Rule::quantize_statement
        | Rule::require
        | Rule::quantize_rule
        | Rule::kw_param
        | Rule::kw_state
        | Rule::kw_return
        | Rule::kw_assert
        | Rule::kw_repeat
        | Rule::kw_data
        | Rule::kw_require => "a statement",
        Rule::name
        | Rule::names
        | Rule::ident
        | Rule::idc
        | Rule::binding
        | Rule::output
        | Rule::function
        | Rule::signature => "a name",
        Rule::formal => "a formal such as `x: f32[..]`",
        Rule::string => "a text in quotes",
        Rule::number => "a number",
        Rule::ty | Rule::element | Rule::outputs => "a type",
        Rule::shape => "`[`",
        Rule::tydim => "an extent",
        Rule::facts | Rule::kw_where => "`where`",
        Rule::guard | Rule::kw_if => "`if`",
        Rule::kw_in => "`in`",
        Rule::kw_by | Rule::step => "`by`",
        Rule::block | Rule::open_brace => "`{`",
        Rule::expr
        | Rule::prefix
        | Rule::primary
        | Rule::atom
        | Rule::named
        | Rule::operand_name
        | Rule::parenthesised
        | Rule::argument
        | Rule::slice
        | Rule::slice_end
        | Rule::rewrite => "a value",
        Rule::stage => "a layer or a function",
        Rule::pattern | Rule::pattern_kind => "a pattern",
        Rule::axes | Rule::axis | Rule::axis_entry | Rule::axis_group => "an axis",
        Rule::selector | Rule::segment | Rule::stars | Rule::any_path => "a path of labels",
        Rule::infix | Rule::index | Rule::field | Rule::wildcard | Rule::labelled | Rule::pipe => {
            "an operator"
        }
        Rule::hint | Rule::bang => "a hint",
        Rule::comma => "`,`",
        Rule::colon => "`:`",
        Rule::dot => "`.`",
        Rule::dots => "`..`",
        Rule::equals | Rule::initialiser => "`=`",
        Rule::arrow | Rule::results => "`->`",
        Rule::fat_arrow => "`=>`",
        Rule::open_paren | Rule::arguments => "`(`",
        Rule::close_paren => "`)`",
        Rule::open_square | Rule::label_index => "`[`",
        Rule::close_square => "`]`",
        Rule::close_brace => "`}`",
        Rule::word_end => "a space",
    }
}
