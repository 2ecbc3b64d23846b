using System.Runtime.InteropServices;

namespace Sluice.Core;

public enum OperationKind : byte
{
    /// <summary>Take a request back from its engine; its KV goes to that engine's host memory, unless it is not to be
    /// kept.</summary>
    Evict,

    /// <summary>Have an idle engine load another model.</summary>
    Load,

    /// <summary>Move a running request with its KV to another engine.</summary>
    Migrate,

    /// <summary>Ask for more or fewer engines of a model: <see cref="IScaler"/>, which owns the fleet, decides.</summary>
    Scale,
}

/// <summary>One LLM serving operation (LSO) besides pulling, which is <see cref="IGlobalScheduler.TryTake"/>.</summary>
/// <param name="Amount">Engines wanted, for <see cref="OperationKind.Scale"/>; 1 to forget the KV, for
/// <see cref="OperationKind.Evict"/>.</param>
public readonly record struct Operation(OperationKind Kind, RequestId Request, EngineId Engine, ModelId Model, int Amount);

/// <summary>What a plan wants done, in order. Reused from plan to plan.</summary>
public sealed class Operations
{
    private readonly List<Operation> _list = new(64);

    public ReadOnlySpan<Operation> All => CollectionsMarshal.AsSpan(_list);

    /// <param name="keepsKv">False for systems that cannot keep it: the request computes all its tokens again.</param>
    public void Evict(RequestId request, bool keepsKv = true) =>
        _list.Add(new(OperationKind.Evict, request, EngineId.None, default, keepsKv ? 0 : 1));

    public void Load(EngineId engine, ModelId model) =>
        _list.Add(new(OperationKind.Load, new(-1), engine, model, 0));

    public void Migrate(RequestId request, EngineId to) => _list.Add(new(OperationKind.Migrate, request, to, default, 0));

    public void Scale(ModelId model, int engines) =>
        _list.Add(new(OperationKind.Scale, new(-1), EngineId.None, model, engines));

    /// <summary>For a scheduler that passes on what another one wants.</summary>
    public void Add(in Operation operation) => _list.Add(operation);

    public void Clear() => _list.Clear();
}
