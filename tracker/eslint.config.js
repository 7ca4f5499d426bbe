import { defineConfig } from "eslint/config";
import { configs, parser } from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist"] },
  {
    files: ["**/*.ts"],
    extends: [configs.strictTypeChecked],
    languageOptions: { parser, parserOptions: { projectService: true } },
    rules: {
      "eqeqeq": "error",
      "no-console": ["error", { allow: ["warn"] }],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ["**/*.test.ts", "src/testing/**"],
    rules: { "max-lines-per-function": "off", "@typescript-eslint/require-await": "off" },
  },
);
