using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>One request as a trace recorded it.</summary>
internal struct TraceRow
{
    /// <summary>100 ns, from wherever the trace counts.</summary>
    public long Ticks;

    public int PromptTokens;
    public int OutputTokens;
    public int Images;
    public int Model;
    public int Tenant;
    public int Class;

    /// <summary>What the request was promised, where the trace says.</summary>
    public Slo? Slo;

    /// <summary>Where this row's ids begin in <see cref="TraceRows.ContentIds"/>.</summary>
    public int ContentStart;

    public int ContentCount;
}

/// <summary>What a reader has read: rows in file order, and the lists they point into.</summary>
internal sealed class TraceRows
{
    public List<TraceRow> Rows { get; } = [];

    /// <summary>Hash ids of prompt blocks of all rows, one after the other.</summary>
    public List<long> ContentIds { get; } = [];

    /// <summary>Prompt tokens one content id stands for; <see cref="int.MaxValue"/>: the whole prompt.</summary>
    public int ContentBlockTokens { get; init; } = int.MaxValue;

    /// <summary>False for layouts that hold lengths only.</summary>
    public bool HasArrivals { get; init; } = true;

    public NameTable Models { get; } = new();
    public NameTable Tenants { get; } = new();
    public NameTable Classes { get; } = new();

    /// <summary>Rows left out because nothing was asked or nothing was answered: failed requests.</summary>
    public int LeftOut { get; private set; }

    public void Add(in TraceRow row)
    {
        if (row.PromptTokens > 0 && row.OutputTokens > 0) Rows.Add(row);
        else LeftOut++;
    }
}
