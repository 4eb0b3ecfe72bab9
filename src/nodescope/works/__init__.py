"""Compare a study with the published works that it names: what they print and claim beside what the study measured.

Each work is a folder here (`nodescope.works.work` says what is in it). What they share:

- `registry`: all works, found by their folders.
- `printed`: reads the printed numbers; `scorecard`: each beside ours, with the t interval of the difference.
- `claim`, `claims`: each claim, judged by a function of the collected tables; `cases` and `judging` help to write it.
- `protocol`, `differences`: in what the study departs from a published protocol.
- `scoring`: all of it for one study.
"""
