use super::*;

fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap()
}

#[test]
fn every_share_of_three_decimals_is_exact_and_reads_back() {
    for thousandths in 0..=100_000 {
        let share = Percent::from_thousandths(thousandths);
        assert_eq!(percent(f64::from(share)), share);
        assert_eq!(share.to_string().parse::<Percent>().unwrap(), share);
        assert_eq!(percent(share.to_string().parse().unwrap()), share);
        let json = serde_json::to_string(&share).unwrap();
        assert_eq!(json, share.to_string());
        assert_eq!(serde_json::from_str::<Percent>(&json).unwrap(), share);
        assert_eq!(share.rest().thousandths(), 100_000 - thousandths);
    }
}

#[test]
fn whole_shares_are_as_integers_were() {
    for whole in 0..=100_u32 {
        let share = Percent::from(whole);
        assert_eq!(share.to_string(), whole.to_string());
        assert_eq!(format!("{share:?}"), whole.to_string());
        assert_eq!(format!("{share:>5}"), format!("{whole:>5}"));
        assert_eq!(serde_json::to_string(&share).unwrap(), whole.to_string());
        assert_eq!(share.share().to_bits(), (f64::from(whole) / 100.0).to_bits());
        assert_eq!(share.whole(), Some(u64::from(whole)));
        assert_eq!(share.is_part(), (1..100).contains(&whole));
        assert!(share == whole && share >= whole && share < whole + 1);
    }
    assert_eq!(Percent::from(u32::MAX).to_string(), u32::MAX.to_string());
}

#[test]
fn other_numbers_are_refused_with_a_remedy() {
    for none in [-0.1, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e10] {
        let error = Percent::new(none).unwrap_err().to_string();
        assert!(error.contains("expected a number from 0 to 100"), "{error}");
    }
    for (fine, near) in [(0.0001, "0.001"), (0.1234, "0.123"), (33.333_333, "33.333")] {
        let error = Percent::new(fine).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "the plan cannot run: the share {fine} % has more than three decimals; round it, such as to {near}"
            )
        );
    }
    assert!("".parse::<Percent>().is_err() && "a tenth".parse::<Percent>().is_err());
    assert_eq!(percent(-0.0), Percent::NONE);
    assert_eq!(percent(150.0), 150, "validation names it");
}

#[test]
fn a_document_has_numbers_and_nothing_else() {
    for wrong in ["\"5\"", "-1", "0.0001", "true", "null", "[5]", "4294967296", "-0.5"] {
        assert!(serde_json::from_str::<Percent>(wrong).is_err(), "{wrong}");
    }
    for (text, share) in
        [("0.1", percent(0.1)), ("5", 5.into()), ("5.0", 5.into()), ("2.5e1", 25.into())]
    {
        assert_eq!(serde_json::from_str::<Percent>(text).unwrap(), share);
        assert_eq!(canary_istio::manifest::read_document::<Percent>("p", text).unwrap(), share);
    }
}
