/** Where cart and pole are, and how fast they move: position, speed, angle, angular speed. */
export type State = readonly [number, number, number, number];

const [GRAVITY, CART, POLE, HALF_LENGTH, FORCE, SECONDS] = [9.8, 1, 0.1, 0.5, 10, 0.02];
const [MOST_POSITION, MOST_ANGLE] = [2.4, (12 * Math.PI) / 180];

/** An episode that lasts so long is won. */
export const MOST_STEPS = 500;

/**
 * A pole on a cart, to be kept upright by pushing the cart to the left (0) or to the right (1): CartPole-v1 of Gymnasium.
 *
 * @see https://gymnasium.farama.org/environments/classic_control/cart_pole/
 */
export class CartPole {
  #state: State = [0, 0, 0, 0];
  #steps = 0;

  /** Begins an episode, near rest. @param random numbers in [0, 1) */
  reset(random: () => number): State {
    const small = () => (random() - 0.5) / 10;
    this.#state = [small(), small(), small(), small()];
    this.#steps = 0;
    return this.#state;
  }

  /** Pushes, and says what comes of it and whether the episode is over. Every step earns 1. */
  step(action: number): { state: State; isOver: boolean } {
    const [position, speed, angle, turn] = this.#state;
    const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
    const push = ((action === 1 ? FORCE : -FORCE) + POLE * HALF_LENGTH * turn ** 2 * sin) / (CART + POLE);
    const turning = (GRAVITY * sin - cos * push) / (HALF_LENGTH * (4 / 3 - (POLE * cos ** 2) / (CART + POLE)));
    const pushing = push - (POLE * HALF_LENGTH * turning * cos) / (CART + POLE);
    this.#state = [
      position + SECONDS * speed,
      speed + SECONDS * pushing,
      angle + SECONDS * turn,
      turn + SECONDS * turning,
    ];
    this.#steps++;
    const isLost = Math.abs(this.#state[0]) > MOST_POSITION || Math.abs(this.#state[2]) > MOST_ANGLE;
    return { state: this.#state, isOver: isLost || this.#steps === MOST_STEPS };
  }
}
