using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks.Libtorch;

/// <summary>The network of denoiser.mdl with EDM's scalings, and DPM-Solver++(2M), as one writes them in PyTorch.</summary>
internal sealed class LearnedSampler
{
    private const int Width = 128;
    private const int Depth = 3;
    private const int Steps = 12;
    private readonly Tensor _lift = randn(Width, 2), _liftBias = zeros(Width), _time = randn(Width, Width) * 0.02, _timeBias = zeros(Width);
    private readonly Tensor _lower = randn(2, Width) * 0.02, _lowerBias = zeros(2), _norm = ones(Width);
    private readonly Tensor _frequencies = exp(arange(Width / 2) * (Math.Log(32) / ((Width / 2) - 1)));
    private readonly (Tensor Norm, Tensor Gate, Tensor Up, Tensor Down)[] _layers =
        [.. Enumerable.Range(0, Depth).Select(_ => (ones(Width), randn(2 * Width, Width) * 0.02, randn(2 * Width, Width) * 0.02, randn(Width, 2 * Width) * 0.02))];

    /// <summary>Seconds of a step, of the best and of the middle run of twelve.</summary>
    public double[] Step(int batch, double seconds)
    {
        using var _ = no_grad();
        return [.. WorkerLoop.Time(seconds, () => Sample(batch)).Select(s => s / Steps)];
    }

    // Karras' levels from 80 to 0.002, and 0.
    private void Sample(int batch)
    {
        double Level(int i) => i == Steps ? 0 : Math.Pow(Math.Pow(80, 1 / 7.0) + ((double)i / (Steps - 1) * (Math.Pow(0.002, 1 / 7.0) - Math.Pow(80, 1 / 7.0))), 7);
        using var scope = NewDisposeScope();
        var y = randn(batch, 2) * 80;
        Tensor? before = null;
        for (var i = 0; i < Steps; i++)
        {
            var (sigma, next) = (Level(i), Level(i + 1));
            var denoised = Denoise(y, sigma);
            if (next == 0)
            {
                y = denoised;
                continue;
            }

            var h = Math.Log(sigma / next);
            var guess = denoised;
            if (before is not null)
            {
                var ratio = Math.Log(Level(i - 1) / sigma) / h;
                guess = (denoised * (1 + (1 / (2 * ratio)))) - (before * (1 / (2 * ratio)));
            }

            y = (y * (next / sigma)) - (guess * (Math.Exp(-h) - 1));
            before = denoised;
        }
    }

    private Tensor Denoise(Tensor y, double sigma)
    {
        using var scope = NewDisposeScope();
        const double Data = 0.5;
        var square = (sigma * sigma) + (Data * Data);
        var x = y * (1 / Math.Sqrt(square));
        var angle = full(y.shape[0], 1, (float)(Math.Log(sigma) / 4)) * _frequencies;
        var t = nn.functional.silu(nn.functional.linear(cat([cos(angle), sin(angle)], 1), _time, _timeBias));
        var h = nn.functional.linear(x, _lift, _liftBias);
        foreach (var (norm, gate, up, down) in _layers)
        {
            var z = Norm(h + t, norm);
            h = h + nn.functional.linear(nn.functional.silu(nn.functional.linear(z, gate)) * nn.functional.linear(z, up), down);
        }

        var f = nn.functional.linear(Norm(h, _norm), _lower, _lowerBias);
        return ((y * (Data * Data / square)) + (f * (sigma * Data / Math.Sqrt(square)))).MoveToOuterDisposeScope();
    }

    private static Tensor Norm(Tensor x, Tensor gain) => x * rsqrt(x.pow(2).mean([-1], keepdim: true) + 1e-6) * gain;
}
