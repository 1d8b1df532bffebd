/** What a classic worker and a service worker do, whose scripts are no modules: train, eager and compiled, here and on a worker of their own. */
import { backendInfo, compile, init, manualSeed, randn } from 'cotangent';
import { Linear } from 'cotangent/nn';
import { SGD } from 'cotangent/optim';

async function train(worker: string): Promise<string> {
  await init({ worker });
  manualSeed(1);
  const [model, x] = [new Linear(3, 1), randn([16, 3])] as const;
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const learn = () => {
    optimizer.zeroGrad();
    const loss = model(x).sub(1).square().mean();
    loss.backward();
    optimizer.step();
    return loss;
  };
  const first = learn().item();
  const step = compile(learn);
  const second = step().item();
  const last = step.repeat(20).item();
  const later = await step.runAsync().then(
    (loss) => loss.item() < last,
    (error: Error) => `${error.name}: ${error.message}`,
  );
  return `${backendInfo().backend}, ${second < first && last < second ? 'learned' : 'did not learn'}, ${later}`;
}

addEventListener('message', async ({ data, source }: MessageEvent<string>) => {
  const answer = await train(data).catch(String);
  if (source === null) postMessage(answer);
  else (source as MessageEventSource).postMessage(answer);
});
