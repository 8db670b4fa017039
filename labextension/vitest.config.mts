import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    setupFiles: ['tests/setup.ts'],
    include: ['tests/**/*.test.ts'],
    restoreMocks: true
  },
  // the front end's packages import style sheets and icons
  resolve: { conditions: ['browser'] }
});
