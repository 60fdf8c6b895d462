from __future__ import annotations


def test_tables_are_recorded_as_outputs(programs):
    source = """
        import runref
        with runref.init() as run:
            run.log_table("worst", ["id", "loss"], [[7, 0.25], {"id": 8}])
            run.log_confusion_matrix("val/top", ["cat", "dog"], [[5, 1], [0, 7]])
            runref.log_table("ragged", ["a"], [[1, 2]])
            runref.log_confusion_matrix("flat", ["a", "b"], 3)
    """
    done = programs.run(source)
    worst, matrix, ragged, flat = programs.record().outputs
    assert (worst.path, worst.stored, worst.size) == ("tables/worst.csv", True, 18)
    assert (matrix.path, matrix.problem) == ("tables/val/top.csv", "")
    assert ragged.problem == "row 1 has 2 cells for 1 columns"
    assert flat.problem
    assert "output tables/ragged.csv: row 1 has 2 cells for 1 columns" in done.stderr
    assert not (programs.root / "tables").exists()
