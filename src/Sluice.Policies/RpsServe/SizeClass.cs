namespace Sluice.Policies;

/// <summary>How much prefill a request brings: rocks fill the engine, sand fits between.</summary>
public enum SizeClass : byte { Sand, Pebbles, Rocks }
