namespace Sluice.Core;

public readonly record struct RequestId(long Value);

public readonly record struct ModelId(int Index);

public readonly record struct TenantId(int Index);

/// <summary>The SLO class a request was put in, an index into the run's list of classes.</summary>
public readonly record struct ClassId(int Index);

public readonly record struct EngineId(int Index)
{
    public static EngineId None => new(-1);
}
