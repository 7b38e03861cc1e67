using Mdl.Runtime.Tests.Support;
using Mdl.Runtime.Training;

namespace Mdl.Runtime.Tests.Training;

public sealed class LearningRateScheduleTests
{
    // Peak 0.4, warm-up 4, 100 steps, final share 0.1, decay over the last 20. Rounding of doubles only, hence 1e-12.
    [Theory]
    [InlineData("constant", 1, 0.1)]
    [InlineData("constant", 4, 0.4)]
    [InlineData("constant", 100, 0.4)]
    [InlineData("cosine", 2, 0.2)]
    [InlineData("cosine", 4, 0.4)]
    [InlineData("cosine", 52, 0.22)]
    [InlineData("cosine", 100, 0.04)]
    [InlineData("cosine", 200, 0.04)]
    [InlineData("wsd", 3, 0.3)]
    [InlineData("wsd", 80, 0.4)]
    [InlineData("wsd", 85, 0.22)]
    [InlineData("wsd", 100, 0.04)]
    [InlineData("wsd", 101, 0.04)]
    public void Follows_the_formula(string schedule, long step, double expected)
    {
        var settings = BigramModel.Settings with { LearningRate = 0.4, Warmup = 4, Schedule = schedule, FinalRate = 0.1, DecayShare = 0.2 };
        Assert.Equal(expected, new LearningRateSchedule(settings, 100).At(step), 1e-12);
    }

    [Theory]
    [InlineData("cosine")]
    [InlineData("wsd")]
    public void A_run_shorter_than_its_warmup_only_warms_up(string schedule)
    {
        var settings = BigramModel.Settings with { LearningRate = 1, Warmup = 1000, Schedule = schedule };
        Assert.Equal(0.01, new LearningRateSchedule(settings, 10).At(10), 1e-12);
    }
}
