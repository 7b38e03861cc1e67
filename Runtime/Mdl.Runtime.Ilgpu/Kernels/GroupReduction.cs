using ILGPU;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>Reductions over the threads of a group, as a tree whose shape never changes: equal inputs give equal bits. Every thread gets the result.</summary>
public static class GroupReduction
{
    /// <summary>Floats of shared memory that a reduction works in.</summary>
    public const int Size = IlgpuDevice.GroupSize;

    /// <summary>The sum.</summary>
    public static float Sum(ArrayView<float> shared, int lane, float value)
    {
        shared[lane] = value;
        Group.Barrier();
        for (var half = Size / 2; half > 0; half >>= 1)
        {
            if (lane < half)
            {
                shared[lane] = shared[lane] + shared[lane + half];
            }

            Group.Barrier();
        }

        var result = shared[0];
        Group.Barrier();
        return result;
    }

    /// <summary>The largest; NaN if one is NaN.</summary>
    public static float Maximum(ArrayView<float> shared, int lane, float value)
    {
        shared[lane] = value;
        Group.Barrier();
        for (var half = Size / 2; half > 0; half >>= 1)
        {
            if (lane < half)
            {
                shared[lane] = DeviceMath.Maximum(shared[lane], shared[lane + half]);
            }

            Group.Barrier();
        }

        var result = shared[0];
        Group.Barrier();
        return result;
    }
}
