using Mdl.Runtime.Models;
using Mdl.Runtime.Profiling;

namespace Mdl.Runtime.Training;

/// <summary>What a trainer does around its program, as launches.</summary>
internal static class TrainerLaunches
{
    public const int Tokens = 0;
    public const int Losses = 1;
    public const int Norm = 2;
    public const int Update = 3;
    public const int States = 4;

    // Two moments of two and three operations, a root, two quotients, the step and the decay.
    private const double UpdateFlops = 13;

    public static LaunchInfo[] Of(ModelInfo info)
    {
        double n = info.TrainableSize;
        double states = info.Parameters.Where(p => p.IsState && !p.IsFrozen).Sum(p => p.Size);
        return
        [
            Info("tokens", 0, 0),
            Info("losses", 0, 0),
            Info("gradientNorm", 2 * n, 4 * n),
            Info("adamW", UpdateFlops * n, 28 * n),
            Info("states", 0, 8 * states),
        ];
    }

    private static LaunchInfo Info(string name, double flops, double bytes) => new(LaunchPhase.Optimizer, name, "Trainer", "", "", 1, flops, bytes, bytes);
}
