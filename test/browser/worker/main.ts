/** Runs training steps on a worker and in the page, and says whether both learned the same. */
import { compile, manualSeed, randn } from 'cotangent';
import { Linear } from 'cotangent/nn';
import { Adam } from 'cotangent/optim';

const STEPS = 20_000;

/** A small training run: a compiled step, and the parameters that it changes. */
function training() {
  manualSeed(1);
  const [model, x, y] = [new Linear(3, 2), randn([16, 3]), randn([16, 2])] as const;
  const optimizer = new Adam(model.parameters(), { lr: 1e-3 });
  const step = compile(() => {
    optimizer.zeroGrad();
    const loss = model(x).sub(y).square().mean();
    loss.backward();
    optimizer.step();
    return loss;
  });
  return { step, weight: model.weight };
}

async function run(): Promise<string> {
  const [there, here] = [training(), training()];
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const loss = (await there.step.repeatAsync(STEPS)).item();
  clearInterval(timer);
  const expected = here.step.repeat(STEPS).item();
  const correct = loss === expected && String(there.weight) === String(here.weight);
  return `${correct ? 'correct' : `loss ${loss} instead of ${expected}`}, ${turns > 0 ? 'responsive' : 'blocked'}`;
}

const output = document.getElementById('result');
if (output) output.textContent = await run().catch(String);
