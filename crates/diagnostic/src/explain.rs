/// The page on an error code, such as `E0301`; `None` for a code that does not exist.
pub fn explain(code: &str) -> Option<&'static str> {
    let place = PAGES.binary_search_by_key(&code, |(known, _)| known).ok()?;
    Some(PAGES[place].1)
}

/// Every code that has a page, in order.
pub fn codes() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(code, _)| *code)
}

macro_rules! pages {
    ($($code:literal)*) => {
        /// Code and page, by code.
        const PAGES: &[(&str, &str)] = &[$(($code, include_str!(concat!("explain/", $code, ".md"))),)*];
    };
}

pages! {
    "E0201" "E0202" "E0203" "E0204" "E0205" "E0206"
    "E0301" "E0302" "E0303" "E0304" "E0305"
    "E0401" "E0402" "E0403" "E0404" "E0405" "E0406" "E0407" "E0408" "E0409" "E0410"
    "E0501" "E0502" "E0503" "E0504" "E0505" "E0506" "E0507"
    "E0601" "E0602" "E0603" "E0604" "E0605" "E0606" "E0607" "E0608" "E0609" "E0610" "E0611"
    "E0701" "E0702"
    "E0801" "E0802"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_in_the_folder_is_in_the_table_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/explain");
        let files = std::fs::read_dir(folder).unwrap();
        let mut found: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .map(|name| name.trim_end_matches(".md").to_owned())
            .collect();
        found.sort();
        assert_eq!(codes().collect::<Vec<_>>(), found);
        assert!(explain("E0301").is_some_and(|page| page.starts_with("A parameter")));
        assert_eq!(explain("E9999"), None);
    }
}
