using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;
using Mdl.Runtime.Profiling;

namespace Ling.Sample;

/// <summary>The one place that names the generated class.</summary>
public static class ModelFactory
{
    public static LanguageModel Create(Device device, ulong seed) => LingNano.Create(device, seed);

    public static TrainingPlan Plan(int batch, int length, int threads) => LingNano.PlanTraining(batch, length, threads);
}
