"""How good a model is: measures nobody here wrote, anchors to read them against, and what remains of a run.

    pairs -> systems make sounds -> instruments read them -> items -> figures -> report.json
             (studio, in workers)   (studio, in workers)     (examiner, report)  (result)
"""
