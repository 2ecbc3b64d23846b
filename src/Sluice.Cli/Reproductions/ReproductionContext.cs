using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary>How a reproduction is to be run, and the cores to run it on.</summary>
/// <param name="isSmall">Seconds instead of minutes: the same experiments, shorter.</param>
/// <param name="progress">Told the share done, 0 to 1.</param>
public sealed class ReproductionContext(bool isSmall, Action<double>? progress = null)
{
    private readonly List<Action> _jobs = [];

    public bool IsSmall { get; } = isSmall;

    /// <summary>Of every random stream.</summary>
    public ulong Seed { get; } = 42;

    /// <summary>Adds a job that depends on no other. Longest first keeps all cores busy to the end.</summary>
    public Job<T> Later<T>(Func<T> run)
    {
        var job = new Job<T>(run);
        _jobs.Add(job.Run);
        return job;
    }

    /// <summary>Runs the jobs added so far on all cores.</summary>
    public void RunAll()
    {
        Action[] jobs = [.. _jobs];
        _jobs.Clear();
        var done = 0;
        progress?.Invoke(0);
        try
        {
            // One job at a time to whoever is free: jobs differ in length, and ranges of them would leave cores idle.
            var order = Partitioner.Create(jobs, EnumerablePartitionerOptions.NoBuffering);
            Parallel.ForEach(order, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, job =>
            {
                job();
                progress?.Invoke(Interlocked.Increment(ref done) / (double)jobs.Length);
            });
        }
        catch (AggregateException e) when (e.InnerExceptions.Count > 0)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }
}

/// <summary>A result that is there once the context has run.</summary>
public sealed class Job<T>(Func<T> run)
{
    private T? _result;
    private bool _isDone;

    public T Result
    {
        get
        {
            Check.That(_isDone);
            return _result!;
        }
    }

    internal void Run() => (_result, _isDone) = (run(), true);
}
