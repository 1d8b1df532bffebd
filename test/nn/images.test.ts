/** Layers for images: initial values, statistics, options and refusals. Their numbers are compared with PyTorch in `test/conformance`. */
import * as ct from 'cotangent';
import { ArgumentError, manualSeed, ShapeError, setBackend, type Tensor } from 'cotangent';
import * as nn from 'cotangent/nn';
import { Adam } from 'cotangent/optim';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const numbers = (x: Tensor): number[] => Array.from(x.data() as ArrayLike<number>);
const largest = (x: Tensor): number => x.abs().max().item();

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  test.each([
    ['Conv2d', () => new nn.Conv2d(8, 60, 3, { groups: 2 }), [60, 4, 3, 3], 36],
    ['ConvTranspose2d', () => new nn.ConvTranspose2d(40, 6, [3, 2], { groups: 2 }), [40, 3, 3, 2], 18],
  ] as const)('%s starts uniform within 1 / √(elements of a filter)', (_name, make, shape, fan) => {
    manualSeed(1);
    const layer = make();
    expect(layer.weight.shape).toEqual(shape);
    expect(layer.bias?.shape).toEqual([layer.outChannels]);
    expect(largest(layer.weight)).toBeLessThanOrEqual(1 / Math.sqrt(fan));
    expect(largest(layer.bias as Tensor)).toBeLessThanOrEqual(1 / Math.sqrt(fan));
    expect(layer.weight.std().item()).toBeCloseTo(1 / Math.sqrt(3 * fan), 2);
  });

  test('arguments by place and by name are the same', () => {
    const x = ct.randn([2, 4, 9, 7]);
    const placed = new nn.Conv2d(4, 6, [3, 2], [2, 1], [1, 0], [1, 2], 2, false);
    const named = new nn.Conv2d(4, 6, [3, 2], {
      stride: [2, 1],
      padding: [1, 0],
      dilation: [1, 2],
      groups: 2,
      bias: false,
    });
    named.loadStateDict(placed.stateDict());
    expect(named(x).toArray()).toEqual(placed(x).toArray());
    expect(named(x).toArray()).toEqual(
      ct.conv2d(x, placed.weight, { stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2 }).toArray(),
    );
    expect(`${placed}`).toBe(
      'Conv2d(4, 6, kernelSize=[3, 2], stride=[2, 1], padding=[1, 0], dilation=[1, 2], groups=2, bias=false)',
    );
    const up = new nn.ConvTranspose2d(4, 6, 3, { stride: 2, padding: 1, outputPadding: 1, dtype: 'float64' });
    expect(up(x.to('float64')).shape).toEqual([2, 6, 18, 14]);
    expect(`${up}`).toBe(
      'ConvTranspose2d(4, 6, kernelSize=[3, 3], stride=[2, 2], padding=[1, 1], outputPadding=[1, 1], groups=1, bias=true, dilation=[1, 1])',
    );
    expect(new nn.Conv2d(4, 2, 4, { padding: 'same' })(x).shape).toEqual([2, 2, 9, 7]);

    const max = new nn.MaxPool2d(3, 2, 1, 1, true, true)(x);
    expect(max.values.shape).toEqual([2, 4, 5, 4]);
    expect(max.values.toArray()).toEqual(new nn.MaxPool2d(3, { stride: 2, padding: 1, ceilMode: true })(x).toArray());
    expect(max.indices.dtype).toBe('int64');
    expect(`${new nn.MaxPool2d(2)}`).toBe(
      'MaxPool2d(kernelSize=[2, 2], stride=[2, 2], padding=[0, 0], dilation=[1, 1], ceilMode=false)',
    );
    const mean = new nn.AvgPool2d(3, null, 1, false, false);
    expect(mean(x).toArray()).toEqual(ct.avgPool2d(x, 3, { padding: 1, countIncludePad: false }).toArray());
    expect(`${mean}`).toBe(
      'AvgPool2d(kernelSize=[3, 3], stride=[3, 3], padding=[1, 1], ceilMode=false, countIncludePad=false, divisorOverride=null)',
    );
  });

  describe('batch norm', () => {
    test('names of the state are those of PyTorch', () => {
      const layer = new nn.BatchNorm2d(3);
      expect(Object.keys(layer.stateDict())).toEqual([
        'weight',
        'bias',
        'running_mean',
        'running_var',
        'num_batches_tracked',
      ]);
      expect(numbers(layer.runningVar as Tensor)).toEqual([1, 1, 1]);
      expect(Object.keys(new nn.BatchNorm1d(3, { affine: false, trackRunningStats: false }).stateDict())).toEqual([]);
      expect(`${layer}`).toBe('BatchNorm2d(3, eps=0.00001, momentum=0.1, affine=true, trackRunningStats=true)');
    });

    test('training moves the statistics, evaluation uses them', () => {
      const layer = new nn.BatchNorm1d(2, { momentum: 0.5, dtype: 'float64' });
      const x = ct.tensor(
        [
          [1, 10],
          [3, 30],
        ],
        { dtype: 'float64' },
      );
      const y = layer(x);
      expect(numbers(y.abs().sub(1).abs().lt(1e-5).all())).toEqual([1]);
      expect(numbers(layer.runningMean as Tensor)).toEqual([1, 10]);
      expect(numbers(layer.runningVar as Tensor)).toEqual([1.5, 100.5]);
      expect(layer.numBatchesTracked?.item()).toBe(1);
      layer.eval();
      const want = numbers(x).map((v, i) => (v - (i % 2 ? 10 : 1)) / Math.sqrt((i % 2 ? 100.5 : 1.5) + 1e-5));
      for (const [i, v] of numbers(layer(x)).entries()) expect(v).toBeCloseTo(want[i] as number, 12);
      expect(layer.numBatchesTracked?.item()).toBe(1);
      layer.resetRunningStats();
      expect(numbers(layer.runningMean as Tensor)).toEqual([0, 0]);
    });

    test('without momentum the statistics are the mean over all steps, compiled too', () => {
      const layers = [0, 1].map(() => new nn.BatchNorm1d(1, { momentum: null, dtype: 'float64' })) as [
        nn.BatchNorm1d,
        nn.BatchNorm1d,
      ];
      const step = ct.compile((x: Tensor) => (layers[1] as nn.BatchNorm1d)(x));
      for (const values of [
        [1, 3],
        [10, 30],
        [5, 9],
        [100, 0],
      ]) {
        const x = ct.tensor(values, { dtype: 'float64' }).reshape([2, 1]);
        expect(step(x).toArray()).toEqual(layers[0](x).toArray());
      }
      for (const layer of layers) {
        expect(layer.runningMean?.item()).toBeCloseTo((2 + 20 + 7 + 50) / 4, 12);
        expect(layer.runningVar?.item()).toBeCloseTo((2 + 200 + 8 + 5000) / 4, 10);
      }
      step.dispose();
    });

    test('without running statistics evaluation takes those of the batch', () => {
      const layer = new nn.BatchNorm2d(2, { trackRunningStats: false });
      const x = ct.randn([3, 2, 4, 4]);
      const trained = layer(x).toArray();
      layer.eval();
      expect(layer(x).toArray()).toEqual(trained);
    });
  });

  test('a convolutional net learns which half of an image is bright, eager and compiled alike', () => {
    const net = () => {
      manualSeed(3);
      return new nn.Sequential(
        new nn.Conv2d(1, 4, 3, { padding: 1, bias: false }),
        new nn.BatchNorm2d(4),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Conv2d(4, 4, 3),
        new nn.AvgPool2d(2),
        new nn.Flatten(),
        new nn.Linear(4, 2),
      );
    };
    const images = ct.rand([16, 1, 8, 8]);
    const classes = ct.arange(16).remainder(2);
    for (let i = 0; i < 16; i++)
      images
        .select(0, i)
        .narrow(2, i % 2 ? 4 : 0, 4)
        .add_(1);
    const run = (compiled: boolean) => {
      const model = net();
      const optimizer = new Adam(model.parameters(), { lr: 0.02 });
      const step = (x: Tensor, t: Tensor) => {
        optimizer.zeroGrad();
        const loss = ct.crossEntropy(model(x), t);
        loss.backward();
        optimizer.step();
        return loss;
      };
      const chosen = compiled ? ct.compile(step) : null;
      const losses = Array.from({ length: 30 }, () => ct.scope(() => (chosen ?? step)(images, classes).item()));
      chosen?.dispose();
      for (const x of [...model.parameters(), ...model.buffers()]) {
        x.grad?.dispose();
        x.dispose();
      }
      return losses;
    };
    const [eager, compiled] = [run(false), run(true)];
    expect(eager.at(-1)).toBeLessThan(0.1 * (eager[0] as number));
    for (const [i, loss] of eager.entries()) expect(compiled[i]).toBeCloseTo(loss, 4);
    images.dispose();
    classes.dispose();
  });

  test('what does not fit is refused', () => {
    expect(() => new nn.Conv2d(3, 4, 0)).toThrow(ArgumentError);
    expect(() => new nn.Conv2d(3, 4, 3, { groups: 2 })).toThrow(ShapeError);
    expect(() => new nn.Conv2d(3, 4, 3, { padding: 'full' as never })).toThrow(ArgumentError);
    expect(() => new nn.ConvTranspose2d(4, 3, 3, { groups: 2 })).toThrow(ShapeError);
    expect(() => new nn.MaxPool2d(2, { padding: -1 })).toThrow(ArgumentError);
    expect(() => new nn.AvgPool2d(2, { divisorOverride: 0 })).toThrow(ArgumentError);
    expect(() => new nn.BatchNorm2d(0)).toThrow(ArgumentError);
    expect(() => new nn.BatchNorm2d(2)(ct.ones([2, 2]))).toThrow(/BatchNorm2d: wants an input of shape \[N, C, H, W\]/);
    expect(() => new nn.BatchNorm1d(2)(ct.ones([1, 2]))).toThrow(/BatchNorm1d: wants more than one value/);
    expect(() => new nn.BatchNorm1d(3)(ct.ones([4, 2]))).toThrow(ShapeError);
  });
});
