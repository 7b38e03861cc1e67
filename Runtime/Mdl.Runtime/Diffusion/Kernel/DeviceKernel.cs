using System.Runtime.InteropServices;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>The estimator with its sums made on a device; the tail is added on the host.</summary>
/// <param name="sums">The data on the device.</param>
internal sealed unsafe class DeviceKernel(DeviceKernelSums sums)
{
    private float[] _queries = [];
    private float[] _shifts = [];
    private float[] _logSums = [];
    private double[] _work = [];

    /// <summary>The data, column after column: [d, n].</summary>
    public static float[] Columns(PointBlocks<float> data)
    {
        var columns = new float[(long)data.Count * data.Dimensions];
        for (var i = 0; i < data.Count; i++)
        {
            var point = data.Column(i);
            for (var j = 0; j < data.Dimensions; j++)
            {
                columns[((long)j * data.Count) + i] = point[j * PointBlocks<float>.Size];
            }
        }

        return columns;
    }

    /// <summary>Evaluates all queries.</summary>
    public void Run(in KernelCall<float> call)
    {
        var d = call.Dimensions;
        Reserve(call.Count, d);
        for (var i = 0; i < call.Count * d; i++)
        {
            _queries[i] = (call.Queries[i] - call.Centre[i % d]) / call.Unit;
        }

        var shifts = _shifts.AsSpan(0, call.Count * d);
        sums.Evaluate(_queries.AsSpan(0, call.Count * d), (float)(call.Scale / Math.Log2(Math.E)), _logSums.AsSpan(0, call.Count), shifts);
        fixed (float* shift = &MemoryMarshal.GetReference(shifts))
        fixed (double* work = _work)
        {
            for (var query = 0; query < call.Count; query++)
            {
                KernelResult.Write(call, query, _logSums[query], shift + (query * d), work);
            }
        }
    }

    private void Reserve(int count, int d)
    {
        if (_logSums.Length < count)
        {
            (_queries, _shifts, _logSums, _work) = (new float[count * d], new float[count * d], new float[count], new double[KernelResult.WorkDoubles(d)]);
        }
    }
}
