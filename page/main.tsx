import { render } from 'preact';
import { App } from './app.tsx';
import './style/base.css';
import './style/parts.css';
import './style/views.css';
import { applyTheme, currentTheme } from './theme.ts';

applyTheme(currentTheme());
const page = document.getElementById('page');
if (page) {
  render(<App />, page);
}
