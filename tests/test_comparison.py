"""Models side by side: paired differences, their significance, and what cannot be compared."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from helpers import contents
from hypothesis import given, settings
from hypothesis import strategies as st
from reports import MEASURES, make_result

from vc.errors import EvaluationError
from vc.evaluation.comparison import (EXACT_PAIRS, bootstrap_interval, compare, fewest_pairs, format_p, holm,
                                      markdown, permutation_p)
from vc.evaluation.intervals import Interval
from vc.evaluation.page.side_by_side import comparison_page
from vc.evaluation.result import Measure, save_result

UP, DOWN, NEITHER = (Measure(name, name, "", better, "") for name, better in
                     (("up", "higher"), ("down", "lower"), ("neither", "")))


def result_of(values, measure=UP, name="model"):
    """A Result whose model has one value a pair."""
    blank = make_result(pairs=len(values), name=name)
    items = [replace(item, values={measure.name: values[item.pair]}) for item in blank.items]
    return replace(blank, measures=[measure], items=items, figures=[])


# Figures


def test_a_small_case_by_hand():
    """Differences 1, 2, 3 and -1 add up to 5. Of the 16 choices of signs, 6 reach as far from 0: all positive (7),
    one of the two 1s negative (5), and the opposites of these three."""
    comparison = compare([result_of([1.0, 2.0, 3.0, 4.0], name="a"), result_of([2.0, 4.0, 6.0, 3.0], name="b")],
                         ["x", "y"])
    (row,) = comparison.rows
    assert (comparison.labels, comparison.pairs, row.pairs, row.values) == (["a", "b"], 4, 4, [2.5, 3.75])
    (difference,) = row.differences
    assert (difference.value, difference.p, difference.p_holm) == (1.25, 6 / 16, 6 / 16)
    assert (difference.low, difference.high) == (None, None)  # four sources say nothing of others
    assert difference.verdict == "no clear difference"


def test_a_report_beside_itself_shows_no_difference():
    comparison = compare([make_result(), make_result()], ["one", "two"])
    assert [row.measure for row in comparison.rows] == MEASURES and comparison.labels == ["one", "two"]
    for row in comparison.rows:
        (difference,) = row.differences
        assert row.values[0] == row.values[1]
        assert (difference.value, difference.low, difference.high, difference.p, difference.p_holm) == (0, 0, 0, 1, 1)
        assert difference.verdict == "no clear difference"


@pytest.mark.parametrize("measure, verdict", [(UP, "better"), (DOWN, "worse"), (NEITHER, "different")])
def test_the_verdict_follows_what_is_wanted(measure, verdict):
    low, high = (result_of([float(number + shift) for number in range(8)], measure) for shift in (0, 1))
    (row,) = compare([low, high], ["a", "b"]).rows
    assert row.differences[0].verdict == verdict and row.differences[0].p == 2 / 256
    (row,) = compare([high, low], ["a", "b"]).rows
    assert row.differences[0].verdict == {"better": "worse", "worse": "better"}.get(verdict, verdict)


def test_three_models_are_corrected_together():
    results = [make_result(name=name, shift=shift) for name, shift in (("a", 0), ("b", 0.5), ("c", -0.5))]
    comparison = compare(results, ["a", "b", "c"])
    assert [len(row.differences) for row in comparison.rows] == [2] * len(MEASURES)
    tests = [difference for row in comparison.rows for difference in row.differences]
    assert [test.p_holm for test in tests] == holm([test.p for test in tests])
    cosine = comparison.rows[0].differences
    assert [difference.value for difference in cosine] == pytest.approx([0.5, -0.5])
    assert [difference.verdict for difference in cosine] == ["no clear difference"] * 2  # 2 / 256, eight times


def test_a_missing_value_leaves_its_pair_out_of_that_measure_alone():
    first, second = make_result(), make_result()
    hole = next(item for item in second.items if (item.pair, item.system) == (3, "converted"))
    values = {**hole.values, "wer": None}
    second = replace(second, items=[replace(item, values=values) if item is hole else item for item in second.items])
    rows = {row.measure.name: row for row in compare([first, second], ["a", "b"]).rows}
    assert (rows["wer"].pairs, rows["cosine_to_target"].pairs) == (7, 8)
    known = [item.values for item in first.items if item.system == "converted" and item.pair != 3]
    mean = np.average([values["wer"] for values in known], weights=[values["words"] for values in known])
    assert rows["wer"].values == pytest.approx([mean] * 2)


# Statistics


def slow_permutation_p(differences):
    """Every choice of signs, one by one."""
    seen = abs(sum(differences))
    sums = [abs(sum(sign * difference for sign, difference in zip(signs, differences)))
            for signs in itertools.product((1, -1), repeat=len(differences))]
    return sum(value >= seen - 1e-9 * max(seen, 1) for value in sums) / len(sums)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=8))
def test_the_permutation_test_agrees_with_a_slow_one(differences):
    assert permutation_p(np.array(differences, float)) == pytest.approx(slow_permutation_p(differences))


def test_drawn_signs_agree_with_all_of_them():
    differences = np.random.default_rng(1).normal(0.3, 1, EXACT_PAIRS + 1)
    drawn, all_of_them = permutation_p(differences), slow_permutation_p(differences.tolist())
    assert 0.01 < all_of_them < 0.5 and drawn == pytest.approx(all_of_them, rel=0.15)
    assert permutation_p(differences) == drawn
    assert permutation_p(np.ones(40)) == pytest.approx(1 / 10001)


def test_the_p_of_no_difference_is_spread_evenly():
    random = np.random.default_rng(2)
    p_values = [permutation_p(random.normal(size=8)) for _ in range(400)]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.025)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.05)


def test_the_interval_is_that_of_the_mean():
    random = np.random.default_rng(3)
    values, weights = np.stack([np.zeros(100), random.normal(2, 3, 100)]), np.ones((2, 100))
    found = bootstrap_interval(values, weights)
    mean, error = values[1].mean(), values[1].std() / 10
    assert (found.low, found.high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.2 * error)
    assert bootstrap_interval(np.stack([np.zeros(5), np.full(5, 1.5)]), np.ones((2, 5))) == Interval(1.5, 1.5, 1.5)


def test_the_interval_is_for_other_speakers():
    """Four sources of each of six speakers, whose differences are the speaker's alone."""
    shifts = [0.1, 0.5, -0.2, 0.4, 0.3, -0.1]
    first, second = (result_of([shift * side for shift in shifts for _ in range(4)]) for side in (0, 1))
    alone, together = [], []
    for found, name in (alone, "ls{}"), (together, "so{}"):
        asked = [[replace(pair, source_speaker=name.format(number // (4 if found is together else 1)))
                  for number, pair in enumerate(one.pairs)] for one in (first, second)]
        (row,) = compare([replace(first, pairs=asked[0]), replace(second, pairs=asked[1])], ["a", "b"]).rows
        found += [row.differences[0].low, row.differences[0].high, row.differences[0].p]
    assert together[1] - together[0] > 1.7 * (alone[1] - alone[0]) and together[2] == alone[2]


def test_a_share_that_differs_in_no_pair_has_no_interval():
    (row,) = compare([result_of([100.0] * 20, replace(UP, share=True)) for _ in range(2)], ["a", "b"]).rows
    difference, = row.differences
    assert (difference.value, difference.low, difference.high, difference.p) == (0, None, None, 1)
    comparison = compare([result_of([100.0] * 20, replace(UP, share=True)) for _ in range(2)], ["a", "b"])
    assert "| 0.000 [–], p = 1.000" in markdown(comparison) and "[–]" in comparison_page(comparison)


@pytest.mark.parametrize("tests, pairs", [(1, 6), (17, 10), (34, 11)])
def test_with_few_pairs_nothing_can_count(tests, pairs):
    """2 of all choices of signs, times the number of tests, stays below 0.05 from so many pairs on."""
    assert fewest_pairs(tests) == pairs and tests * 2 / 2**pairs < 0.05 <= tests * 2 / 2 ** (pairs - 1)
    assert holm([2 / 2**pairs] + [1.0] * (tests - 1))[0] < 0.05


def test_the_notes_say_how_many_pairs_are_needed():
    notes = " ".join(compare([result_of([0.0] * 3), result_of([1.0] * 3)], ["a", "b"]).notes)
    assert "at least 6 pairs" in notes and "takes pairs as independent" in notes


def test_a_rate_is_pooled_over_words():
    """1 error in 2 words and 3 in 8 are 4 in 10; 1 in 2 and none in 8 are 1 in 10."""
    rate = replace(UP, better="lower", weight="words")
    first, second = result_of([50.0, 37.5], rate), result_of([50.0, 0.0], rate)
    words = {0: 2, 1: 8}
    first, second = (replace(one, items=[replace(item, values={**item.values, "words": words[item.pair]})
                                         for item in one.items]) for one in (first, second))
    (row,) = compare([first, second], ["a", "b"]).rows
    assert row.values == pytest.approx([40.0, 10.0]) and row.differences[0].value == pytest.approx(-30.0)
    wordless = replace(second, items=[replace(item, values={**item.values, "words": 0}) for item in second.items
                                      if item.pair == 1] + [item for item in second.items if item.pair == 0])
    (row,) = compare([first, wordless], ["a", "b"]).rows
    assert (row.pairs, row.values) == (1, [50.0, 50.0])


def test_a_measure_without_values_a_pair_is_named():
    extra = Measure("equal_error_rate", "equal error rate", "%", "lower", "")
    results = [replace(result, measures=[*result.measures, extra]) for result in (make_result(), make_result(seed=1))]
    comparison = compare(results, ["a", "b"])
    assert len(comparison.rows) == 4
    assert comparison.notes[-1] == "No value for each pair, so not compared: equal error rate."


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0] and holm([0.2]) == [0.2]


# Reports that do not fit


def test_only_shared_pairs_count():
    """A pair is the same where all that was asked is the same, wherever it stands in its list."""
    first, second = make_result(pairs=6), make_result(pairs=6, shift=0.25)
    turned = replace(second, pairs=second.pairs[::-1], items=[replace(item, pair=5 - item.pair)
                                                              for item in second.items])
    other = replace(turned, pairs=[replace(turned.pairs[0], references=["elsewhere.flac"]), *turned.pairs[1:]])
    comparison = compare([first, other], ["a", "b"])
    assert comparison.pairs == 5
    assert [row.differences[0].value for row in comparison.rows] == pytest.approx([0.25] * 4)


def test_reports_without_a_common_pair_are_refused():
    other = make_result()
    other = replace(other, pairs=[replace(pair, text="SOMETHING ELSE") for pair in other.pairs])
    with pytest.raises(EvaluationError, match="no pair in common, expected the same sources.*one list of pairs"):
        compare([make_result(), other], ["a", "b"])


def test_reports_without_a_common_measure_are_refused():
    with pytest.raises(EvaluationError, match="no measure in common"):
        compare([result_of([1.0], UP), result_of([1.0], DOWN)], ["a", "b"])
    with pytest.raises(EvaluationError, match="no measure in common"):
        compare([result_of([None, 1.0]), result_of([1.0, None])], ["a", "b"])


def test_other_units_are_refused():
    with pytest.raises(EvaluationError, match="up is in '%' in b and in '' in a; evaluate both with the same version"):
        compare([result_of([1.0]), result_of([1.0], replace(UP, unit="%"))], ["a", "b"])


def test_a_report_without_a_model_is_refused():
    anchors = make_result()
    anchors = replace(anchors, systems=[system for system in anchors.systems if system.kind == "anchor"])
    with pytest.raises(EvaluationError, match="b: a report without a model"):
        compare([make_result(), anchors], ["a", "b"])


@pytest.mark.parametrize("models, folders, labels", [
    (("small", "large"), ("x", "y"), ["small", "large"]),
    (("same", "same"), ("x", "y"), ["x", "y"]),
    (("same", "same"), ("x", "x"), ["x (1)", "x (2)"]),
    (("", "large"), ("x", "y"), ["x", "large"]),
])
def test_labels_tell_the_models_apart(models, folders, labels):
    assert compare([make_result(name=name) for name in models], list(folders)).labels == labels


# What is printed and written


def test_the_markdown_holds_the_figures():
    comparison = compare([make_result(name="a|<b>"), make_result(name="other", shift=1.0)], ["x", "y"])
    table, _, notes = markdown(comparison).partition("\n\n")
    head, rule, *rows = table.splitlines()
    assert head == r"|  | a\|&lt;b> | other | other − a\|&lt;b> | pairs |" and rule == "|---|---|---|---|---|"
    first, second = comparison.rows[0].values
    assert rows[0] == (f"| cosine to target (higher is better) | {first:.3f} | {second:.3f} | "
                       f"1.000 [1.000, 1.000], p = 0.008, after Holm 0.031: better | 8 |")
    assert rows[3].startswith("| median pitch, Hz | ") and rows[3].endswith(": different | 8 |")
    assert "after Holm (1979) over the 4 differences" in notes and "Over the 8 pairs" in notes


def test_small_p_values_are_not_called_zero():
    (row,) = compare([result_of([0.0] * 30), result_of([1.0] * 30)], ["a", "b"]).rows
    assert format_p(row.differences[0]) == "p < 0.001, after Holm < 0.001"


@pytest.fixture
def reports(tmp_path):
    """Folders of two reports."""
    for name, shift in ("first", 0.0), ("second", 0.1):
        save_result(tmp_path / name, make_result(name=name, shift=shift))
    return [tmp_path / "first", tmp_path / "second"]


def test_the_command_prints_a_table_and_writes_a_page(call, reports, tmp_path):
    ended = call("compare", *reports, "-o", tmp_path / "new" / "page.html")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("|  | first | second | second − first | pairs |\n")
    text = (tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    comparison = compare([make_result(name="first"), make_result(name="second", shift=0.1)], ["first", "second"])
    for row in comparison.rows:
        for value in (*row.values, row.differences[0].value):
            assert f'<data value="{value}">' in text
    assert not any(outside in text for outside in ("http://", "https://", "<script"))
    again = call("compare", *reports, "-o", tmp_path / "new" / "again.html")
    assert again.out == ended.out and (tmp_path / "new" / "again.html").read_text(encoding="utf-8") == text


def test_a_report_may_be_named_by_its_file_and_more_may_follow(call, reports):
    ended = call("compare", reports[0] / "report.json", "--debug", *reports)
    assert ended.code == 0 and ended.out.startswith("|  | first (1) | first (2) | second (3) | ")


def test_a_hostile_name_stays_text_on_the_page():
    name = "<script>alert(1)</script>"
    first, second = (replace(make_result(name=name + end), measures=[replace(m, title=name) for m in MEASURES])
                     for end in "ab")
    text = comparison_page(compare([first, second], ["x", "y"]))
    assert "<script" not in text and text.count("&lt;script&gt;") >= 8


@pytest.mark.parametrize("content, message", [
    ("[]", "a JSON file, but not a report; give a folder that vc evaluate wrote"),
    ("no JSON", "not a report ("),
    (json.dumps({"format": "vc-evaluation", "version": 99}), "a report of version 99, this program reads 1"),
    (json.dumps({"format": "vc-evaluation", "version": 1, "model": {}}), "an incomplete report ("),
])
def test_other_files_are_refused(call, reports, tmp_path, content, message):
    (tmp_path / "bad.json").write_text(content)
    ended = call("compare", reports[0], tmp_path / "bad.json", "-o", tmp_path / "out" / "page.html")
    ended.assert_refused(f"{tmp_path}/bad.json: {message}", folder=tmp_path / "out")


@pytest.mark.parametrize("damage", [
    lambda content: content["items"][0].update(values=[]), lambda content: content["items"][0].update(pair=99),
    lambda content: content["items"][0].update(values={"x": "y"}), lambda content: content.update(model=[]),
    lambda content: content["figures"][0].update(value="high"), lambda content: content.update(pairs=[7]),
    lambda content: content.update(listening={"best": [99]})])
def test_a_report_of_other_values_is_refused(call, reports, tmp_path, damage):
    content = json.loads((reports[0] / "report.json").read_text())
    damage(content)
    (tmp_path / "bad.json").write_text(json.dumps(content))
    call("compare", reports[0], tmp_path / "bad.json").assert_refused(f"{tmp_path}/bad.json: an incomplete report (")


def test_a_report_that_is_nested_too_deep_is_refused(call, reports, tmp_path):
    (tmp_path / "bad.json").write_text("[" * 200000)
    call("compare", reports[0], tmp_path / "bad.json").assert_refused("bad.json: not a report (")


def test_the_command_refuses(call, reports, tmp_path):
    call("compare", reports[0], tmp_path / "none").assert_refused("no such report; make one with vc evaluate")
    page = tmp_path / "page.html"
    page.write_text("precious")
    call("compare", *reports, "-o", page).assert_refused(f"{page}: exists already; give --force")
    assert page.read_text() == "precious"
    assert call("compare", *reports, "-o", page, "--force").code == 0 and page.read_text() != "precious"
    call("compare", *reports, "-o", tmp_path / "page.md").assert_refused("expected a name that ends in .html")
    save_result(tmp_path / "far", replace(make_result(), pairs=[replace(pair, source="far.flac")
                                                               for pair in make_result().pairs]))
    call("compare", reports[0], tmp_path / "far").assert_refused("the reports have no pair in common")
    assert call("compare", reports[0]).code == 2
    assert [name for name in contents(tmp_path) if name.endswith((".md", ".tmp"))] == []
