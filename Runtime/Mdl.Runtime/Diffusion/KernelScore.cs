using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Diffusion.Kernel;

namespace Mdl.Runtime.Diffusion;

/// <summary>
/// The score of the data smoothed by N(0, t I), estimated from the data alone: p(x) = mean of N(x; X_i, t I), score = (D - x) / t with D the mean of the data
/// under the softmax weights of -|x - X_i|^2 / (2 t). This is the estimator of Zhang, Yin, Liang and Liu (2402.15602) averaged over the noise that it
/// injects, so unbiased for the density and its gradient. Evaluations stream over the data: no [queries, data] matrix is stored. Results do not depend on
/// the number of threads.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed unsafe partial class KernelScore<T> : IDenoiser<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Products run at a far higher rate, but weights pass through memory once more, which few dimensions do not pay for; differences are the precise form.
    private const int LeastContractedDimensions = 24;

    // Rounding of the contracted form is about 6e-7 |x|^2 / t in the exponent.
    private const double MostContractedExponent = 1e4;

    private readonly Device _device;
    private readonly PointBlocks<T> _blocks;
    private readonly MergedLevels<T>? _levels;
    private readonly DataStatistics _statistics;
    private readonly GaussianTail? _gaussian;
    private readonly AlignedMemory<T> _centre;
    private readonly AlignedMemory<T>? _rows;
    private readonly AlignedMemory<T>? _halfNorms;
    private readonly DeviceKernel? _kernel;
    private readonly T _unit;
    private readonly double _radius;

    /// <summary>Takes a copy of data and orders it.</summary>
    /// <param name="data">[n, d]; finite, at least two points.</param>
    /// <param name="dimensions">d.</param>
    /// <param name="tail">What to do where there are few data; a normal pseudo-datum if left out.</param>
    /// <param name="device">Where to compute; the shared host device if left out. A device keeps the data until it is disposed.</param>
    /// <param name="allowConstantColumns">Whether columns may have one value in all points. Such a column tells of data that were read wrongly.</param>
    /// <exception cref="ArgumentException">Data that no estimate can be made from, or a tail whose weight is not above 0.</exception>
    public KernelScore(ReadOnlySpan<T> data, int dimensions, KernelTail? tail = null, Device? device = null, bool allowConstantColumns = false)
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double))
        {
            throw new NotSupportedException($"The estimator computes in float or double, not {typeof(T).Name}.");
        }

        Tail = tail ?? KernelTail.Gaussian();
        if (Tail.Kind != KernelTailKind.None && !(Tail.Weight > 0 && double.IsFinite(Tail.Weight)))
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"The weight of the tail must be above 0 and finite, not {Tail.Weight}."), nameof(tail));
        }

        _statistics = DataStatistics.Of(data, dimensions, allowConstantColumns);
        _device = device ?? Device.Host;
        _gaussian = Tail.Kind == KernelTailKind.Gaussian ? new GaussianTail(_statistics) : null;
        _centre = new AlignedMemory<T>(dimensions);
        for (var j = 0; j < dimensions; j++)
        {
            _centre.Pointer[j] = T.CreateTruncating(_statistics.Mean[j]);
        }

        // A power of two, so that dividing by it changes no bit of a point.
        _unit = T.ScaleB(T.One, Math.ILogB(_statistics.StandardDeviation));
        _blocks = PointBlocks<T>.Of(data, dimensions, _centre.Span, T.One / _unit);
        _levels = dimensions <= MergedLevels<T>.MostDimensions && _device.Backend is null ? new MergedLevels<T>(_blocks) : null;
        if (_device.Backend is not null)
        {
            if (typeof(T) != typeof(float))
            {
                throw new NotSupportedException($"{_device.Name} evaluates kernel scores in float, not {typeof(T).Name}; double is for the host.");
            }

            _kernel = new DeviceKernel(_device.CreateKernelSums(DeviceKernel.Columns((PointBlocks<float>)(object)_blocks), dimensions)
                ?? throw new NotSupportedException($"{_device.Name} has no kernel scores."));
        }
        else if (typeof(T) == typeof(float) && dimensions >= LeastContractedDimensions)
        {
            _rows = new AlignedMemory<T>(data.Length);
            _halfNorms = new AlignedMemory<T>(_blocks.Count + Vector<T>.Count);
            _radius = FillRows();
        }
    }

    /// <summary>The number of points.</summary>
    public int Count => _blocks.Count;

    /// <inheritdoc/>
    public int Dimensions => _blocks.Dimensions;

    /// <summary>What is done where there are few data.</summary>
    public KernelTail Tail { get; }

    /// <summary>The root of the mean variance of the columns: what times and noise levels are relative to.</summary>
    public double StandardDeviation => _statistics.StandardDeviation;

    /// <summary>The mean of each column.</summary>
    public ReadOnlySpan<double> Mean => _statistics.Mean;

    /// <summary>Whether blocks of data that cannot matter are left out; true unless a measurement wants it otherwise. Results agree to rounding.</summary>
    public bool SkipsBlocks { get; set; } = true;

    /// <summary>
    /// Whether, in up to three dimensions, data that lie close together beside sqrt(t) are merged into fewer points with weights; true unless a measurement
    /// wants it otherwise. Results agree to rounding: where merged points would not do, the data themselves are taken.
    /// </summary>
    public bool MergesPoints { get; set; } = true;

    /// <summary>D(y, sigma) = E[x0 | y].</summary>
    public void Denoise(ReadOnlySpan<T> y, double sigma, Span<T> denoised) => Evaluate(y, sigma * sigma, KernelOutput.Denoised, denoised, []);

    /// <summary>The gradient of the logarithm of the density at time t = sigma^2.</summary>
    /// <param name="x">[N, d].</param>
    /// <param name="t">The variance of the smoothing normal law; above 0.</param>
    /// <param name="score">[N, d].</param>
    /// <param name="logDensity">[N], or empty.</param>
    public void Score(ReadOnlySpan<T> x, double t, Span<T> score, Span<double> logDensity = default) => Evaluate(x, t, KernelOutput.Score, score, logDensity);

    /// <summary>
    /// The derivative of the score in x, which is the second derivative of the log-density: -I / t + Cov / t^2 with the covariance of the data under the softmax weights, and
    /// what the tail adds. Costs n d^2 a point; computed on the host in all cases.
    /// </summary>
    /// <param name="x">[N, d].</param>
    /// <param name="t">The variance of the smoothing normal law; above 0.</param>
    /// <param name="jacobian">[N, d, d], symmetric.</param>
    public void ScoreJacobian(ReadOnlySpan<T> x, double t, Span<T> jacobian)
    {
        var count = Check(x, t);
        if (jacobian.Length != x.Length * Dimensions)
        {
            throw new ArgumentException($"{count} points of {Dimensions} dimensions have {x.Length * Dimensions} derivatives, not {jacobian.Length}.", nameof(jacobian));
        }

        fixed (T* queries = x, results = jacobian)
        {
            var call = Call(_blocks, KernelOutput.Score, count, t);
            call.Queries = queries;
            JacobianKernel.Run(ref call, results);
        }

        GC.KeepAlive(this);
    }

    private void Evaluate(ReadOnlySpan<T> x, double t, KernelOutput kind, Span<T> output, Span<double> logDensity)
    {
        var count = Check(x, t);
        if (output.Length != x.Length || (logDensity.Length != 0 && logDensity.Length != count))
        {
            throw new ArgumentException($"{count} points of {Dimensions} dimensions need {x.Length} results and {count} densities or none, not "
                + $"{output.Length} and {logDensity.Length}.", nameof(output));
        }

        fixed (T* queries = x, results = output)
        fixed (double* densities = logDensity)
        {
            var unit = double.CreateTruncating(_unit);
            var call = Call(MergesPoints && _levels is not null ? _levels.At(t / (unit * unit), _device.Team) : _blocks, kind, count, t);
            call.Queries = queries;
            call.Output = results;
            call.LogDensity = densities;
            if (_kernel is not null)
            {
                _kernel.Run(Unsafe.As<KernelCall<T>, KernelCall<float>>(ref call));
            }
            else if (_rows is not null && Contracts(x, t))
            {
                ContractionKernel.Run(ref Unsafe.As<KernelCall<T>, KernelCall<float>>(ref call), (float*)_rows.Pointer, (float*)_halfNorms!.Pointer);
            }
            else
            {
                DirectKernel.Run(ref call);
            }
        }

        // Kernels know the memory by its address; nothing else need hold it while they run.
        GC.KeepAlive(this);
    }

    private KernelCall<T> Call(PointBlocks<T> points, KernelOutput kind, int count, double t) => new()
    {
        Team = _device.Team, Data = _blocks, Points = points, Gaussian = _gaussian, Tail = Tail, Kind = kind, Skips = SkipsBlocks, Count = count,
        Centre = _centre.Pointer, Unit = _unit, Variance = t,
    };

    private int Check(ReadOnlySpan<T> x, double t)
    {
        if (x.Length % Dimensions != 0)
        {
            throw new ArgumentException($"{x.Length} numbers are not whole points of the data's {Dimensions} dimensions.", nameof(x));
        }

        if (!(t > 0 && double.IsFinite(t)))
        {
            throw new ArgumentOutOfRangeException(nameof(t), t, "The time, sigma squared, must be above 0 and finite.");
        }

        return x.Length / Dimensions;
    }

    private bool Contracts(ReadOnlySpan<T> x, double t)
    {
        var longest = _radius;
        for (var i = 0; i < x.Length; i += Dimensions)
        {
            var norm = 0.0;
            for (var j = 0; j < Dimensions; j++)
            {
                var value = double.CreateTruncating(x[i + j] - _centre.Pointer[j]);
                norm += value * value;
            }

            longest = Math.Max(longest, norm);
        }

        return longest <= MostContractedExponent * t;
    }

    // Row after row; returns the largest squared length in the data's own unit.
    private double FillRows()
    {
        var (d, size) = (Dimensions, PointBlocks<T>.Size);
        var longest = 0.0;
        for (var i = 0; i < Count; i++)
        {
            var block = _blocks.Points + ((long)(i / size) * d * size) + (i % size);
            var norm = T.Zero;
            for (var j = 0; j < d; j++)
            {
                var value = block[(long)j * size];
                _rows!.Pointer[((long)i * d) + j] = value;
                norm += value * value;
            }

            _halfNorms!.Pointer[i] = norm / T.CreateTruncating(2);
            longest = Math.Max(longest, double.CreateTruncating(norm));
        }

        return longest * double.CreateTruncating(_unit) * double.CreateTruncating(_unit);
    }
}
