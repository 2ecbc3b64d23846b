using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Sluice.Storage;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>Entry point of this assembly when a test runs it as a program: a gateway with batches that says on its standard
/// output where it listens and which line it gives to its engine, and lives until it is killed.</summary>
internal static class BatchHost
{
    public static async Task<int> Main(string[] args)
    {
        if (args is ["response-host", var kept, var how]) return await ServeResponsesAsync(kept, isStuck: how == "stuck");
        if (args is not ["batch-host", var folder, var most])
        {
            await Console.Error.WriteLineAsync("Run these tests with: dotnet test tests/Sluice.Gateway.Tests");
            return 2;
        }

        await using var store = Store.Open(new StorageOptions(folder));
        var left = int.Parse(most, CultureInfo.InvariantCulture);
        var feature = new BatchFeature(store);
        var engine = new FakeUpstream
        {
            SequencesMax = 8,
            Script = async (call, sink, cancel) =>
            {
                Console.WriteLine($"line {BatchGateway.IdOf(call)}");
                if (Interlocked.Decrement(ref left) < 0) await FakeUpstream.ForeverAsync(cancel);
                return await FakeUpstream.WordsAsync(call, sink, cancel, "ok");
            },
        };
        var app = GatewayHost.Build(
            new() { Port = 0 }, [new EngineEntry(engine)], new() { Endpoints = [feature], Workers = [feature.RunAsync] });
        await app.StartAsync();
        Console.WriteLine($"at {app.Urls.First()}");
        await app.WaitForShutdownAsync();
        return 0;
    }

    /// <param name="isStuck">Its engine never answers.</param>
    private static async Task<int> ServeResponsesAsync(string folder, bool isStuck)
    {
        await using var durable = await DurableParts.OpenAsync(new(folder));
        var engine = new FakeUpstream();
        if (isStuck)
        {
            engine.Script = async (_, _, cancel) =>
            {
                await FakeUpstream.ForeverAsync(cancel);
                return new(CallEnd.Cancelled, 0, -1, 0, "");
            };
        }

        await using var app = GatewayHost.Build(new() { Port = 0 }, [new EngineEntry(engine)], durable.With(new()));
        await app.StartAsync();
        Console.WriteLine($"at {app.Urls.First()}");
        await app.WaitForShutdownAsync();
        return 0;
    }
}
