namespace Sluice.Cli.Tests;

public sealed class ServePlanTests
{
    [Fact]
    public void A_model_file_that_is_named_again_runs_in_another_engine()
    {
        var plan = ServePlan.Of(
            null, [], ["a.gguf", "b.gguf", "a.gguf", "a.gguf", "b.gguf"], demo: false, null, null, null, null, ["moves=1"]);

        Assert.Equal(
            [("in-process", "a.gguf,b.gguf"), ("in-process-2", "a.gguf,b.gguf"), ("in-process-3", "a.gguf")],
            plan.Engines.Select(e => (e.Name, e.Files!)));
        Assert.Equal("1", plan.Options.Settings["moves"]);
    }
}
