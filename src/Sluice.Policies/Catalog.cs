namespace Sluice.Policies;

/// <summary>Every system by name.</summary>
public static class Catalog;
