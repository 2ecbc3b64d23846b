using Sluice.Testing;

namespace Sluice.Cli.Tests;

public sealed class ReplayCommandTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_journal_is_replayed_under_the_policy_that_it_was_recorded_under()
    {
        var journal = Journal("\"policy\":\"qlm\",\"policy_set\":\"fair=vtc,keep=600,prompts=0.5,rescue=on,tick=0.5\",");

        var ran = Shell.Succeed("replay", journal, "--json");

        Assert.Equal("qlm (fair=vtc, keep=600, prompts=0.5, rescue=on, tick=0.5)", ran.Json.GetProperty("system").GetString());
    }

    [Fact]
    public void What_is_said_on_the_command_line_counts_for_more()
    {
        var journal = Journal("\"policy\":\"qlm\",\"policy_set\":\"fair=vtc,tick=0.5\",");

        Assert.Equal("edf", Shell.Succeed("replay", journal, "--json", "--system", "edf").Json.GetProperty("system").GetString());
        Assert.Equal(
            "qlm (fair=vtc, tick=2)", Shell.Succeed("replay", journal, "--json", "--set", "tick=2").Json.GetProperty("system").GetString());
    }

    [Fact]
    public void A_journal_that_says_nothing_is_replayed_as_ever() =>
        Assert.Equal("vllm-v1", Shell.Succeed("replay", Journal(""), "--json").Json.GetProperty("system").GetString());

    private string Journal(string policy) => _folder.Write("journal.jsonl", string.Concat(Enumerable.Range(0, 5).Select(i =>
        $$"""{"arrived_at":{{i}},"num_prefill_tokens":100,"num_decode_tokens":20,{{policy}}"model":"m","class":"chat","outcome":"finished"}""" + "\n")));
}
