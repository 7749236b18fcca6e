import { describe, expect, it } from "vitest";
import { listed, listOf, numberOf, read, short, write } from "../src/lib/address";

describe("state in the address", () => {
  it("goes there and back", () => {
    const address = { view: "run" as const, id: "a/b c%ü", state: { t: "12.5", curves: listed(["p_anger", "a,b", "50%"]), q: "x=1&y #2" } };
    expect(read(write(address))).toEqual(address);
    expect(listOf(read(write(address)).state, "curves")).toEqual(["p_anger", "a,b", "50%"]);
  });

  it("is the same text for the same state", () => {
    expect(write({ view: "library", id: "", state: { b: "2", a: "1", empty: "" } })).toBe("#/library?a=1&b=2");
  });

  it("opens the library where it understands nothing", () => {
    for (const hash of ["", "#", "#/", "#/nonsense/x", "#%E0%A4%A"]) expect(read(hash).view).toBe("library");
    expect(read("#/run/%E0%A4%A").id).toBe("%E0%A4%A");
  });

  it("reads numbers and keeps to the given one otherwise", () => {
    expect(numberOf({ t: "3.5" }, "t", 0)).toBe(3.5);
    for (const bad of ["x", "", "Infinity"]) expect(numberOf({ t: bad }, "t", 7)).toBe(7);
    expect(short(1.23456)).toBe("1.235");
  });
});
