using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>Who is refused for a promise that would be missed, and who is held; against a scheduler that forecasts what the case
/// says.</summary>
public sealed class LiveAdmissionTests
{
    private static readonly WaitForecast s_tenSeconds = new(10, 0, 0.5, 2, Ahead: 3, new(0));

    private readonly Forecaster _scheduler = new() { Says = s_tenSeconds };
    private readonly Inner _inner = new();

    [Fact]
    public void What_would_be_late_is_refused_until_the_queue_has_drained_by_so_much()
    {
        var (admission, _) = Decide(refuses: true, ttft: 3, Engine(model: 0, isFull: true));

        Assert.Equal((RejectReason.SloUnreachable, TimeSpan.FromSeconds(8)), (admission.Reason, admission.RetryAfter)); // 10.5 - 3
        Assert.Equal(0, _inner.Asked);
    }

    [Fact]
    public void Who_wants_to_be_held_is_and_learns_what_to_expect()
    {
        var (admission, live) = Decide(refuses: false, ttft: 3, Engine(model: 0, isFull: true));

        Assert.True(admission.IsAccepted);
        Assert.Equal(s_tenSeconds, live.Forecast);
        Assert.Equal(1, _inner.Asked);
    }

    [Fact]
    public void What_will_probably_be_in_time_is_held()
    {
        Assert.True(Decide(refuses: true, ttft: 11, Engine(model: 0, isFull: true)).Admission.IsAccepted);
    }

    /// <summary>Were it refused, nobody would ever ask for the model.</summary>
    [Fact]
    public void One_whose_model_no_engine_has_loaded_is_held_whatever_it_wants()
    {
        var (admission, live) = Decide(refuses: true, ttft: 3, Engine(model: 1, isFull: false));

        Assert.True(admission.IsAccepted);
        Assert.Equal(s_tenSeconds, live.Forecast);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void An_engine_that_is_gone_or_not_ready_has_nothing_loaded(bool isPresent, bool isReady)
    {
        var engine = Engine(model: 0, isFull: false) with { IsPresent = isPresent, IsReady = isReady };

        Assert.True(Decide(refuses: true, ttft: 3, engine).Admission.IsAccepted);
    }

    [Fact]
    public void One_of_several_engines_with_the_model_is_enough_to_be_late_on()
    {
        var (admission, _) = Decide(refuses: true, ttft: 3, Engine(model: 1, isFull: false), Engine(model: 0, isFull: true));

        Assert.Equal(RejectReason.SloUnreachable, admission.Reason);
    }

    [Fact]
    public void What_nobody_can_foresee_is_held()
    {
        _scheduler.Says = WaitForecast.None;

        Assert.True(Decide(refuses: true, ttft: 3, Engine(model: 0, isFull: true)).Admission.IsAccepted);
    }

    [Fact]
    public void Nothing_is_forecast_for_one_that_an_engine_has_room_for()
    {
        var (admission, live) = Decide(refuses: true, ttft: 3, Engine(model: 0, isFull: false));

        Assert.True(admission.IsAccepted);
        Assert.Null(live.Forecast);
    }

    [Fact]
    public void The_systems_own_admission_has_the_last_word()
    {
        _inner.Says = Admission.Reject(RejectReason.QueueFull, TimeSpan.FromSeconds(1));

        Assert.Equal(RejectReason.QueueFull, Decide(refuses: false, ttft: 3, Engine(model: 0, isFull: true)).Admission.Reason);
    }

    [Theory]
    [InlineData(4, 9, 8)] // 11.5 - 4 to the first token, 13.5 - 9 to the last.
    [InlineData(9, 4, 10)]
    [InlineData(20, 20, 1)]
    public void The_time_to_come_back_is_by_how_much_the_worse_promise_would_be_missed(int ttft, int e2e, int seconds)
    {
        var slo = new Slo(TimeSpan.FromSeconds(ttft), TimeSpan.MaxValue, TimeSpan.FromSeconds(e2e));
        var forecast = s_tenSeconds with { Mean = 11 };

        Assert.Equal(TimeSpan.FromSeconds(seconds), LiveAdmission.RetryAfter(in forecast, slo));
    }

    private static EngineSnapshot Engine(int model, bool isFull) => new()
    {
        Model = new(model), IsPresent = true, IsReady = true, OutstandingMax = 4, Outstanding = isFull ? 4 : 0,
    };

    private (Admission Admission, LiveRequest Live) Decide(bool refuses, int ttft, params EngineSnapshot[] engines)
    {
        using var loop = new DispatcherLoop(new(), TimeProvider.System);
        var slo = new Slo(TimeSpan.FromSeconds(ttft), TimeSpan.MaxValue, TimeSpan.MaxValue);
        var live = loop.Create(new()
        {
            Api = UpstreamApi.ChatCompletions, Model = "m", Body = default, ExternalId = "x", Refuses = refuses, Slo = slo,
        });
        for (var i = 0; i < engines.Length; i++) engines[i] = engines[i] with { Id = new(i) };
        var admission = new LiveAdmission(_inner, new Lengths(), _scheduler) { Arriving = live };
        var request = new Request { Id = new(0), Model = new(0), Slo = slo, Arrival = default, PromptTokens = 10, MaxOutputTokens = 10 };
        return (admission.Decide(request, new ClusterView(default, engines, queued: 0)), live);
    }

    private sealed class Inner : IAdmissionPolicy
    {
        public Admission Says { get; set; } = Admission.Accept;
        public int Asked { get; private set; }

        public Admission Decide(Request request, ClusterView view)
        {
            Asked++;
            return Says;
        }
    }

    private sealed class Lengths : ILengthPredictor
    {
        public TokenEstimate Predict(Request request) => new(10, 1);

        public void Observe(Request request, int outputTokens)
        {
        }
    }

    private sealed class Forecaster : IGlobalScheduler, IForecastsWaits
    {
        public WaitForecast Says { get; set; }

        public WaitForecast Forecast(Request request, TokenEstimate predicted, ClusterView view) => Says;

        public WaitForecast ForecastOf(RequestId request, ClusterView view) => Says;

        public EngineId OnQueued(in QueuedRequest request, ClusterView view) => EngineId.None;

        public void OnWithdrawn(Request request, ClusterView view)
        {
        }

        public bool TryTake(EngineId engine, ClusterView view, out RequestId request)
        {
            request = default;
            return false;
        }
    }
}
