/** Loaded before any schema is made: zod would make functions of text, which the policy of the page refuses. */
import { config } from 'zod';

config({ jitless: true });
