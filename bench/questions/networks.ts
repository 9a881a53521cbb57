import type { NetworkName } from '../harness/work.js';
import type { Case, Question } from './question.js';

const step = (network: NetworkName, label: string, batch: number): Case => ({
  label: `${label}, batch ${batch}`,
  work: { kind: 'network', network, batch },
});

export const networks: Question = {
  name: 'networks',
  title: 'A step of training of networks with recurrence, attention and embeddings',
  cases: [
    step('wordLstm', 'word model, LSTM 2 x 200, 35 steps', 20),
    step('wordGru', 'word model, GRU 2 x 200, 35 steps', 20),
    step('lstm', 'LSTM 8 to 32, 20 steps, Adam', 16),
    step('charGpt', 'character GPT, 4 x 128, 64 tokens, AdamW', 12),
    step('encoder', 'TransformerEncoder 2 x 64, 32 tokens, Adam', 16),
    step('embeddings', '8 embeddings 10,000 x 64, MLP, Adagrad', 256),
  ],
};
