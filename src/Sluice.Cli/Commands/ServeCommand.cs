using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Core;
using Sluice.Gateway;

namespace Sluice.Cli;

/// <summary><c>sluice serve</c>: the gateway, until it is told to stop.</summary>
public static class ServeCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("serve", "Serve the OpenAI API in front of engines, with one SLO-aware queue.");
        var config = new Option<string?>("--config")
        {
            Description = "A configuration file; flags override what it says.", HelpName = "sluice.yaml",
        };
        var engine = new Option<string[]>("--engine")
        {
            Description = "An engine's address, such as http://gpu-1:8000; may be repeated.", HelpName = "URL",
        };
        var model = new Option<string[]>("--model")
        {
            Description = "A model file (GGUF) to run in this process; may be repeated.", HelpName = "FILE",
        };
        var demo = new Option<bool>("--demo") { Description = "Start engines that need no weights and pace their answers like real ones." };
        var host = new Option<string?>("--host")
        {
            Description = "Address to listen on; 0.0.0.0 for every one. Default 127.0.0.1.", HelpName = "ADDRESS",
        };
        var port = new Option<int?>("--port") { Description = "Port to listen on, 0 for any free one. Default 8700.", HelpName = "PORT" };
        var data = new Option<string?>("--data") { Description = "Folder for files, batches and their results.", HelpName = "DIR" };
        var system = new Option<string?>("--system") { Description = "The system that orders the queue. Default qlm.", HelpName = "NAME" };
        var set = new Option<string[]>("--set") { Description = "A setting of that system; may be repeated.", HelpName = "KEY=VALUE" };
        foreach (var option in new Option[] { config, engine, model, demo, host, port, data, system, set }) command.Options.Add(option);
        command.SetAction(parsed =>
        {
            var plan = ServePlan.Of(
                parsed.GetValue(config), parsed.GetValue(engine) ?? [], parsed.GetValue(model) ?? [],
                parsed.GetValue(demo), parsed.GetValue(host), parsed.GetValue(port),
                parsed.GetValue(data), parsed.GetValue(system), parsed.GetValue(set) ?? []);
            return RunAsync(plan, terminal).GetAwaiter().GetResult();
        });
        return command;
    }

    private static async Task<int> RunAsync(ServePlan plan, Terminal terminal)
    {
        if (plan.Engines.Count == 0) plan = await plan.WithFoundOrDemoAsync(terminal).ConfigureAwait(false);
        var store = await ServeStore.OpenAsync(plan, terminal.Error).ConfigureAwait(false);
        await using var __ = store.ConfigureAwait(false);
        var app = plan.Build(logging => logging.AddProvider(new LineLogger(terminal.Error)), store.Parts);
        await using var _ = app.ConfigureAwait(false);
        await app.StartAsync(terminal.Stop).ConfigureAwait(false);
        var gateway = app.Services.GetRequiredService<GatewayServices>();
        using var watch = plan.Path is { } path ? new ConfigWatch(path, gateway, terminal.Error) : null;
        Welcome(plan, app, gateway, store, await AdminAsync(store.Parts).ConfigureAwait(false), terminal);
        await app.WaitForShutdownAsync(terminal.Stop).ConfigureAwait(false);
        return gateway.Loop.IsBroken || store.Parts.Store.Taken.IsCompleted ? ExitCodes.Failed : ExitCodes.Ok;
    }

    /// <summary>Where the admin API listens, or why it does not; the gateway does without.</summary>
    private static async Task<string> AdminAsync(DurableParts parts)
    {
        try
        {
            return await parts.Admin!.AddressAsync.ConfigureAwait(false) + "/admin/tenants";
        }
        catch (IOException e)
        {
            return $"none: {e.Message}";
        }
    }

    private static void Welcome(
        ServePlan plan, WebApplication app, GatewayServices gateway, ServeStore store, string admin, Terminal terminal)
    {
        var address = app.Urls.First();
        var models = gateway.Loop.Models.Names;
        terminal.Out.WriteLine($"Sluice listens on {address}, {plan.Options.System} orders the queue.");
        foreach (var engine in plan.Engines) terminal.Out.WriteLine($"  engine  {engine}");
        foreach (var model in models) terminal.Out.WriteLine($"  model   {model}");
        if (plan.IsDemo)
            terminal.Out.WriteLine("  Demo engines pace their answers like real ones; what they say means nothing.");
        terminal.Out.WriteLine($"  data    {store.Description}");
        terminal.Out.WriteLine($"  admin   {admin}");
        if (plan.Options.Telemetry is { } telemetry) terminal.Out.WriteLine($"  otlp    {telemetry.Endpoint}");
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("Try it:");
        terminal.Out.WriteLine($"  curl {address}/v1/chat/completions -H 'content-type: application/json' \\");
        terminal.Out.WriteLine($"    -d '{{\"model\":\"{(models.Count > 0 ? models[0] : "MODEL")}\",\"stream\":true," +
            "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'");
        terminal.Out.WriteLine();
        terminal.Out.WriteLine($"Dashboard: {address}/   Metrics: {address}/metrics   In a terminal: ./sluice top --url {address}");
        terminal.Out.WriteLine("Ctrl-C stops it: requests under way get time to end.");
        terminal.Out.Flush();
    }
}
