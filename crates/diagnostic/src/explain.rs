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
    "E0001" "E0002" "E0003" "E0004" "E0005" "E0006" "E0007" "E0008" "E0009" "E0010"
    "E0011" "E0012" "E0013" "E0014" "E0015" "E0016" "E0017" "E0018" "E0019" "E0020"
    "E0021" "E0022" "E0023" "E0024" "E0025" "E0026" "E0027" "E0029" "E0101" "E0102"
    "E0103" "E0104" "E0105" "E0106" "E0107" "E0108" "E0109" "E0110" "E0111" "E0112"
    "E0113" "E0114" "E0115" "E0116" "E0117" "E0118" "E0119" "E0120" "E0121" "E0122"
    "E0123" "E0125" "E0126" "E0127" "E0128" "E0129" "E0130" "E0131" "E0132" "E0133"
    "E0134" "E0135" "E0136" "E0138" "E0139" "E0140" "E0150" "E0151" "E0152" "E0153"
    "E0154" "E0155"
    "E0201" "E0202" "E0203" "E0204" "E0205" "E0206"
    "E0301" "E0302" "E0303" "E0304" "E0305"
    "E0401" "E0402" "E0403" "E0404" "E0405" "E0406" "E0407" "E0408" "E0409" "E0410"
    "E0411"
    "E0501" "E0502" "E0503" "E0504" "E0505" "E0506" "E0507" "E0508" "E0509"
    "E0601" "E0602" "E0603" "E0604" "E0605" "E0606" "E0607" "E0608" "E0609" "E0610" "E0611" "E0612"
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
