// Undo and redo over values that are replaced as a whole.

const LONGEST = 200;

export class History<T> {
  private past: T[] = [];
  private future: T[] = [];

  constructor(private now: T) {}

  get current(): T {
    return this.now;
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /** The next value; what was undone before is gone. The same value again is no step. */
  push(value: T): void {
    if (value === this.now) return;
    this.past = [...this.past.slice(1 - LONGEST), this.now];
    this.future = [];
    this.now = value;
  }

  undo(): T {
    if (this.past.length) {
      this.future.push(this.now);
      this.now = this.past.pop()!;
    }
    return this.now;
  }

  redo(): T {
    if (this.future.length) {
      this.past.push(this.now);
      this.now = this.future.pop()!;
    }
    return this.now;
  }
}
