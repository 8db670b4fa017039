import './base.css';
import './diff.css';
import './grid.css';
import './panel.css';
import './live.css';
