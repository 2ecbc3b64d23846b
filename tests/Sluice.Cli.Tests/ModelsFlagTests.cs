namespace Sluice.Cli.Tests;

public sealed class ModelsFlagTests
{
    private const string TwoModels =
        "poisson:rate=5,n=60,prompt=128,output=32,model=chat|poisson:rate=5,n=60,prompt=128,output=32,model=big";

    private const string Profiles = "chat=llama-2-7b@a100,big=llama-2-13b@a100";

    [Fact]
    public void Two_models_on_one_engine_are_both_served_by_a_system_that_loads_models()
    {
        var ran = Shell.Succeed(
            "simulate", "--workload", TwoModels, "--models", Profiles, "--engines", "1", "--system", "edf-swap", "--slo", "ttft=1h", "--json");

        Assert.Equal(120, ran.Json.GetProperty("finished").GetInt32());
        Assert.InRange(ran.Json.GetProperty("model_loads").GetInt32(), 1, 120);
        Assert.Equal(Profiles, ran.Json.GetProperty("settings").GetProperty("models").GetString());
    }

    [Fact]
    public void Without_a_count_each_model_has_an_engine_and_none_is_loaded()
    {
        var ran = Shell.Succeed("simulate", "--workload", TwoModels, "--models", Profiles, "--system", "fcfs-swap", "--json");

        Assert.Equal(2, ran.Json.GetProperty("engines").GetInt32());
        Assert.Equal(120, ran.Json.GetProperty("finished").GetInt32());
    }

    [Fact]
    public void A_model_of_the_workload_that_is_not_listed_is_named_with_its_nearest()
    {
        var ran = Shell.Run("simulate", "--workload", TwoModels, "--models", "chat=llama-2-7b@a100,bic=llama-2-13b@a100");

        Assert.Equal(ExitCodes.BadInput, ran.Code);
        Assert.Contains("requests for 'big'", ran.Error, StringComparison.Ordinal);
        Assert.Contains("did you mean 'bic'?", ran.Error, StringComparison.Ordinal);
    }
}
