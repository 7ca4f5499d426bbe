import reactHooks from "eslint-plugin-react-hooks";
import { defineConfig } from "eslint/config";
import { configs, parser } from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist", "src/api/schema.d.ts"] },
  {
    files: ["**/*.{ts,tsx}"],
    extends: [configs.strictTypeChecked, reactHooks.configs.flat.recommended],
    languageOptions: { parser, parserOptions: { projectService: true } },
    rules: {
      "eqeqeq": "error",
      "no-console": "error",
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ["**/*.test.{ts,tsx}", "src/testing/**"],
    rules: { "max-lines-per-function": "off", "@typescript-eslint/require-await": "off" },
  },
);
