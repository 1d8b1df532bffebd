/**
 * A small GPT over characters: token and position embeddings, pre-norm transformer blocks with causal attention,
 * a linear head (Radford et al. 2019). The blocks are the library's.
 */
import { noGrad } from '../autograd/mode.ts';
import type { CharVocabulary } from '../data/vocabulary.ts';
import { add, div } from '../generated/elementwise.ts';
import { scope } from '../memory/scope.ts';
import { Embedding, init, LayerNorm, Linear, Module, ModuleList, TransformerBlock } from '../nn/index.ts';
import { arange, tensor } from '../ops/creation.ts';
import { multinomial } from '../ops/random.ts';
import { softmax } from '../ops/softmax.ts';
import { select } from '../ops/view.ts';
import type { Generator } from '../random/generator.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface GptConfig {
  vocabulary: number;
  /** The longest sequence, in characters. */
  context: number;
  layers: number;
  width: number;
  heads: number;
}

const INITIAL_STD = 0.02;

export class Gpt extends Module {
  readonly context: number;
  readonly tokens: Embedding;
  readonly positions: Embedding;
  readonly blocks: ModuleList<TransformerBlock>;
  readonly norm: LayerNorm;
  readonly head: Linear;

  constructor({ vocabulary, context, layers, width, heads }: GptConfig) {
    super();
    this.context = context;
    this.tokens = new Embedding(vocabulary, width);
    this.positions = new Embedding(context, width);
    this.blocks = new ModuleList(
      Array.from({ length: layers }, () => new TransformerBlock(width, heads, { causal: true })),
    );
    this.norm = new LayerNorm(width);
    this.head = new Linear(width, vocabulary);
    this.#initialise(layers);
  }

  /** GPT-2's initialisation: small weights, smaller ones where a block adds to the residual stream. */
  #initialise(layers: number): void {
    for (const [name, parameter] of this.namedParameters()) {
      if (parameter.ndim < 2) continue;
      const residual = /(out_proj|linear2)\.weight$/.test(name);
      init.normal_(parameter, 0, residual ? INITIAL_STD / Math.sqrt(2 * layers) : INITIAL_STD);
    }
  }

  /** Logits `[batch, length, vocabulary]` of the next character at each position of `[batch, length]` int64. */
  override forward(tokens: Tensor): Tensor {
    const positions = this.positions(arange(tokens.shape[1] as number, { backend: tokens.backend }));
    let x = add(this.tokens(tokens), positions);
    for (const block of this.blocks) x = block(x);
    return this.head(this.norm(x));
  }
}

/**
 * Text that the model writes, beginning after a line break.
 * @param temperature Below 1 prefers what is likely.
 */
export function generate(
  model: Gpt,
  vocabulary: CharVocabulary,
  characters: number,
  temperature: number,
  generator: Generator,
): string {
  const lineBreak = vocabulary.characters.indexOf('\n');
  const text = [Math.max(lineBreak, 0)];
  model.eval();
  for (let i = 0; i < characters; i++)
    scope(() =>
      noGrad(() => {
        const logits = model(tensor([text.slice(-model.context)], { dtype: 'int64' }));
        const last = select(select(logits, 0, 0), 0, -1);
        text.push(multinomial(softmax(div(last, temperature), 0), 1, true, { generator }).item());
      }),
    );
  model.train();
  return vocabulary.decode(text.slice(1));
}
