import type { Answerer, Question } from '@verifywise/contracts';
import type { About } from './broker.ts';

/** How one question is answered; made by `answering`. */
export interface QuestionAnswer {
  readonly name: string;
  readonly answerer: Answerer;
  readonly answer: (payload: unknown, about: About) => unknown;
}

/** Pairs a question with its handler. What the handler throws travels to the asker as `{code, message, details}`. */
export function answering<P, A>(
  question: Question<P, A>,
  handler: (payload: P, about: About) => Promise<A> | A,
): QuestionAnswer {
  return {
    name: question.name,
    answerer: question.answerer,
    // The name of a question stands for its types on both sides of the wire.
    answer: (payload, about) => handler(payload as P, about),
  };
}
