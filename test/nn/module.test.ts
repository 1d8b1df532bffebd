/** Module: calling, finding what it consists of, states, modes and hooks. */
import { inspect } from 'node:util';
import {
  ArgumentError,
  backendInfo,
  CotangentError,
  DTypeError,
  IndexError,
  ones,
  relu,
  StateError,
  scope,
  type Tensor,
  tensor,
  zeros,
} from 'cotangent';
import { Dropout, Embedding, Linear, Module, ModuleList, Parameter, ReLU, Sequential } from 'cotangent/nn';
import { describe, expect, test } from 'vitest';

class Net extends Module {
  firstLayer = new Linear(3, 4);
  blocks = new ModuleList([new Linear(4, 4), new Linear(4, 4)]);
  scale = new Parameter(ones(1));
  notAParameter = ones(2);
  nothing: Parameter | null = null;

  constructor() {
    super();
    this.registerBuffer('runningMean', zeros(4));
    this.registerBuffer('cache', zeros(1), { persistent: false });
  }

  forward(x: Tensor): Tensor {
    let y = relu(this.firstLayer(x));
    for (const block of this.blocks) y = block(y).add(y);
    return y.mul(this.scale);
  }
}

const NAMES = [
  'scale',
  'first_layer.weight',
  'first_layer.bias',
  'blocks.0.weight',
  'blocks.0.bias',
  'blocks.1.weight',
  'blocks.1.bias',
];

test('a model is called like a function and is still an instance of its class', () => {
  const net = new Net();
  const y: Tensor = net(ones(2, 3));
  expect(y.toArray()).toEqual(net.forward(ones(2, 3)).toArray());
  expect(net).toBeInstanceOf(Net);
  expect(net).toBeInstanceOf(Module);
  y.sum().backward();
  for (const parameter of net.parameters()) expect(parameter.grad).not.toBeNull();
});

describe('what it consists of', () => {
  test('parameters, buffers and submodules by PyTorch-like names', () => {
    const net = new Net();
    expect(net.namedParameters().map(([name]) => name)).toEqual(NAMES);
    expect(net.namedBuffers().map(([name]) => name)).toEqual(['running_mean', 'cache']);
    expect(net.namedModules().map(([name]) => name)).toEqual(['', 'first_layer', 'blocks', 'blocks.0', 'blocks.1']);
    expect(net.children()).toEqual([net.firstLayer, net.blocks]);
    expect(Object.keys(net.stateDict())).toEqual(['scale', 'running_mean', ...NAMES.slice(1)]);
  });

  test('a shared parameter is listed once, and saved under both names', () => {
    class Tied extends Module {
      embed = new Embedding(5, 3);
      head = new Linear(3, 5, { bias: false });
      override forward(x: Tensor): Tensor {
        return this.head(this.embed(x));
      }
    }
    const tied = new Tied();
    tied.head.weight = tied.embed.weight;
    expect(tied.parameters()).toEqual([tied.embed.weight]);
    expect(Object.keys(tied.stateDict())).toEqual(['embed.weight', 'head.weight']);
  });

  test('a reference to a module above does not go round in circles', () => {
    const outer = new Net();
    Object.assign(outer.firstLayer, { parent: outer });
    expect(outer.parameters().length).toBe(NAMES.length);
    expect(Object.keys(outer.stateDict()).length).toBe(NAMES.length + 1);
  });

  test('lists and sequences', () => {
    const list = new ModuleList<Module>([new Linear(2, 3)]).append(new ReLU());
    expect([list.size, list.at(-1)]).toEqual([2, list.at(1)]);
    expect(() => list.at(2)).toThrow(IndexError);
    expect(() => list()).toThrow(CotangentError);
    expect(() => new ModuleList([3] as never)).toThrow(ArgumentError);
    const sequence = new Sequential(new Linear(2, 3), new ReLU());
    expect(Object.keys(sequence.stateDict())).toEqual(['0.weight', '0.bias']);
    expect(sequence(ones(4, 2)).shape).toEqual([4, 3]);
  });
});

describe('states', () => {
  test('are taken over by copying, in any dtype', () => {
    const [a, b] = [new Net(), new Net()];
    const state = Object.fromEntries(Object.entries(a.stateDict()).map(([name, x]) => [name, x.to('float64')]));
    expect(b.loadStateDict(state)).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect(b(ones(1, 3)).toArray()).toEqual(a(ones(1, 3)).toArray());
    expect(b.scale.dtype).toBe('float32');
    expect(b.scale.requiresGrad).toBe(true);
  });

  test('that do not fit are refused as a whole, with all reasons', () => {
    const net = new Net();
    const kept = net.scale.item();
    const state: Record<string, Tensor> = {
      ...net.stateDict(),
      scale: tensor([7]),
      extra: ones(1),
      'first_layer.bias': ones(9),
    };
    delete state['blocks.1.bias'];
    const load = () => net.loadStateDict(state);
    expect(load).toThrow(StateError);
    expect(load).toThrow(/first_layer.bias has shape \[9\], expected \[4\]/);
    expect(load).toThrow(/blocks.1.bias is missing/);
    expect(load).toThrow(/extra is unexpected/);
    expect(net.scale.item()).toBe(kept);
    expect(() => net.loadStateDict(state, { strict: false })).toThrow(/first_layer.bias/);
    delete state['first_layer.bias'];
    expect(net.loadStateDict(new Map(Object.entries(state)), { strict: false })).toEqual({
      missingKeys: ['first_layer.bias', 'blocks.1.bias'],
      unexpectedKeys: ['extra'],
    });
    expect(net.scale.item()).toBe(7);
    for (const junk of [null, 5, 'ab', ones(1)]) expect(() => net.loadStateDict(junk as never)).toThrow(ArgumentError);
    expect(() => net.loadStateDict({ scale: 3 } as never)).toThrow(/scale is 3, expected a tensor/);
  });
});

describe('modes', () => {
  test('train and eval reach every module', () => {
    const model = new Sequential(new Dropout(1), new Linear(2, 2));
    expect(model.at(0)(ones(2)).toArray()).toEqual([0, 0]);
    expect(model.eval().at(0)(ones(2)).toArray()).toEqual([1, 1]);
    expect(model.modules().map((module) => module.training)).toEqual([false, false, false]);
    expect(model.train().training).toBe(true);
  });

  test('to converts floating point parameters and buffers', () => {
    const net = new Net();
    net.registerBuffer('steps', tensor([1n]));
    net.nothing = net.scale;
    net.to('float64');
    expect(net.parameters().every((p) => p.dtype === 'float64' && p.requiresGrad)).toBe(true);
    expect(net.buffers().map((b) => b.dtype)).toEqual(['float64', 'float64', 'int64']);
    expect(net.nothing).toBe(net.scale);
    expect(net(ones(1, 3, { dtype: 'float64' })).dtype).toBe('float64');
    expect(() => net.to('int64')).toThrow(DTypeError);
    const weight = net.scale;
    expect(net.to('float64').scale).toBe(weight);
  });

  test.runIf((['native', 'wasm'] as const).every((name) => backendInfo().available[name].ok))(
    'to moves to another backend',
    () => {
      const other = backendInfo().backend === 'native' ? 'wasm' : 'native';
      const net = new Net();
      const y = net(ones(1, 3)).toArray() as number[][];
      const moved = net.to({ backend: other })(ones(1, 3, { backend: other }));
      expect(moved.backend).toBe(other);
      for (const [i, v] of (moved.toArray() as number[][])[0]?.entries() ?? [])
        expect(v).toBeCloseTo(y[0]?.[i] as number, 5);
    },
  );

  test('requiresGrad_ and zeroGrad reach every parameter', () => {
    const net = new Net();
    net(ones(1, 3)).sum().backward();
    net.zeroGrad();
    expect(net.parameters().every((p) => p.grad === null)).toBe(true);
    expect(net.requiresGrad_(false)(ones(1, 3)).requiresGrad).toBe(false);
  });

  test('apply visits the innermost first', () => {
    const seen: string[] = [];
    new Sequential(new ReLU(), new Sequential(new Dropout())).apply((module) => seen.push(module.constructor.name));
    expect(seen).toEqual(['ReLU', 'Dropout', 'Sequential', 'Sequential']);
  });
});

describe('hooks', () => {
  test('see and replace inputs and outputs, until removed', () => {
    const layer = new ReLU();
    const removePre = layer.registerForwardPreHook((module, [x]) =>
      module === layer ? (x as Tensor).neg() : undefined,
    );
    const remove = layer.registerForwardHook((_module, _inputs, y) => (y as Tensor).add(10));
    expect(layer(tensor([-1, 2])).toArray()).toEqual([11, 10]);
    removePre();
    remove();
    expect(layer(tensor([-1, 2])).toArray()).toEqual([0, 2]);
    expect(() => layer.registerForwardHook(5 as never)).toThrow(ArgumentError);
  });
});

test('parameters and buffers made inside a scope outlive it', () => {
  const [layer, net] = scope(() => [new Linear(3, 2), new Net()] as const);
  expect(layer(ones(1, 3)).shape).toEqual([1, 2]);
  expect(net(ones(1, 3)).shape).toEqual([1, 4]);
  expect(net.buffers().map((buffer) => buffer.disposed)).toEqual([false, false]);
});

test('prints as a tree', () => {
  const model = new Sequential(new Linear(2, 3), new Sequential(new ReLU(), new Dropout(0.1)));
  expect(inspect(model)).toBe(
    [
      'Sequential(',
      '  (0): Linear(inFeatures=2, outFeatures=3, bias=true)',
      '  (1): Sequential(',
      '    (0): ReLU()',
      '    (1): Dropout(p=0.1)',
      '  )',
      ')',
    ].join('\n'),
  );
});

test('modules that contain themselves, or each other', () => {
  class Ring extends Module {
    other: Module | null = null;
    readonly fc = new Linear(1, 1);
    forward(x: Tensor): Tensor {
      return this.fc(x);
    }
  }
  const [a, b] = [new Ring(), new Ring()];
  [a.other, b.other] = [b, a];
  const seen: Module[] = [];
  a.apply((module) => seen.push(module));
  expect(seen).toEqual([b.fc, b, a.fc, a]);
  expect(String(a)).toMatch(/^Ring\(\n {2}\(other\): Ring\(\n {4}\(other\): Ring\(…\)\n {4}\(fc\): Linear/);
  expect(a.parameters()).toHaveLength(4);
  expect(Object.keys(a.stateDict())).toEqual(['other.fc.weight', 'other.fc.bias', 'fc.weight', 'fc.bias']);
  expect(a.train().eval().other?.training).toBe(false);
  expect(a.to('float64').fc.weight.dtype).toBe('float64');
  a.other = a;
  expect(a.modules()).toEqual([a, a.fc]);
  expect(String(a)).toContain('(other): Ring(…)');
});

test('bad buffers are typed errors', () => {
  const net = new Net();
  expect(() => net.registerBuffer('scale', ones(1))).toThrow(/exists already/);
  expect(() => net.registerBuffer('a.b', ones(1))).toThrow(ArgumentError);
  expect(() => net.registerBuffer('ok', 5 as never)).toThrow(ArgumentError);
  const Unfinished = class extends (Module as unknown as new () => Linear) {};
  expect(() => new Unfinished()(ones(1))).toThrow(/has no forward method/);
});
