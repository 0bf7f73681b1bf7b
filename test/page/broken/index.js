import { missing } from './nowhere.js';

export function handler() {
  return missing;
}
