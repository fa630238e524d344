import fc from "fast-check";
import { expect, it } from "vitest";
import { createNames } from "../../../src/tools/mcp/names.ts";

const nameOf = (servers: string[], server: string, tool: string, tools = [tool]) =>
  createNames(servers).of(server, tools).get(tool);

it("calls a tool by its server and its own name, in characters that every provider takes", () => {
  expect(nameOf(["files"], "files", "read-file")).toBe("files_read-file");
  expect(nameOf(["my.files"], "my.files", "read.file/ü")).toBe("my_files_read_file__");
  expect(nameOf(["7zip"], "7zip", "list")).toBe("_7zip_list");
});

it("ends long names in a hash of the whole", () => {
  const [one, two] = ["a", "b"].map((end) => nameOf(["files"], "files", `${"x".repeat(80)}${end}`));
  expect(one).toMatch(/^files_x{49}_[\da-f]{8}$/);
  expect(two).not.toBe(one);
});

it("is the same whoever is there first: servers whose names could be confused always have hashes", () => {
  const servers = ["a", "a_b"];
  const [one, two] = [nameOf(servers, "a", "b_c"), nameOf(servers, "a_b", "c")];
  expect(one).toMatch(/^a_b_c_[\da-f]{8}$/);
  expect(two).toMatch(/^a_b_c_[\da-f]{8}$/);
  expect(one).not.toBe(two);
  expect(nameOf(["a", "b"], "a", "b_c")).toBe("a_b_c");
});

it("leaves the name to the tool that has it exactly, of those that are written alike", () => {
  const names = createNames(["s"]).of("s", ["a.b", "a_b", "a/b"]);
  expect(names.get("a_b")).toBe("s_a_b");
  expect(new Set(names.values()).size).toBe(3);
});

it("is fit for every provider, and different for each tool, whatever they are called", () => {
  const server = fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,12}$/);
  const servers = fc.uniqueArray(server, { minLength: 1, maxLength: 4 });
  const tools = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 90, unit: "grapheme" }), { maxLength: 6 });
  fc.assert(
    fc.property(servers, tools, (all, each) => {
      const names = createNames(all);
      const given = all.flatMap((one) => [...names.of(one, each).values()]);
      for (const name of given) expect(name).toMatch(/^[A-Za-z_][\w-]{0,63}$/);
      expect(new Set(given).size).toBe(given.length);
    }),
  );
});
