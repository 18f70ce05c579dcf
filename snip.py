import numpy as np, shelfvision as shv, os
os.chdir("/work/tmp/corrections/doc")
names = ["Bottle", "Can", "Jar"]
new = shv.samples.render_products(30, class_names=names, image_size=(48, 48), seed=2)
answers = dict(zip(new.ids, (names[label] for label in new.labels)))
pile = new.relabel(dict.fromkeys(names, "new"))
found = shv.Predictions(np.random.default_rng(0).dirichlet([1,1,1],len(pile)), names, pile.ids)
best = np.sort(found.probabilities, axis=1)
order = np.argsort(best[:, -1] - best[:, -2])
bursts = pile.group_bursts().groups[order].astype(str)
first_of_burst = np.sort(np.unique(bursts, return_index=True)[1])
unsure = order[first_of_burst][:20]
print(len(unsure), len(set(bursts)))
found[unsure].save_review("review.html", pile[unsure])
downloaded = {str(name): answers[name] for name in pile.ids[unsure]}
downloaded[str(pile.ids[unsure[0]])] = shv.review.Correction(status="unusable", comment="blurred")
shv.Corrections(downloaded).save("corrections.csv")
corrections = shv.Corrections.read("corrections.csv")
reviewed = pile.with_labels(corrections, class_names=names, unreviewed="drop")
print(corrections, reviewed.class_counts, reviewed.skipped)
from pathlib import Path
config = found[unsure].save_label_studio("tasks.json", pile[unsure])
Path("config.xml").write_text(config, encoding="utf-8")
found.save("predictions.csv")
found.save("predictions.jsonl", probabilities=True)
