"""More held-out tasks like those of tasks.jsonl, none of them in it: one to five operations and three wordings in equal shares.
  more_tasks.py TASKS.jsonl [COUNT] [SEED]"""
import sys, os, json, random; sys.path.insert(0, os.path.dirname(os.path.abspath(__file__))); import domain as D
def main():
    seen = {json.loads(l)["question"] for l in open(sys.argv[1])}
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1200; r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 20271)
    for n in range(1, 6):
        for s in D.STYLES:
            k = 0
            while k < count // 15:
                t = D.gen_task(r, n, s, held=True)
                if t["q"] in seen: continue
                seen.add(t["q"]); k += 1; print(json.dumps({"n": n, "style": s, "question": t["q"], "answer": t["answer"]}))
if __name__ == "__main__": main()
