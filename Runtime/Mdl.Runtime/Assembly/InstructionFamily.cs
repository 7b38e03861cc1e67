using Iced.Intel;

namespace Mdl.Runtime.Assembly;

/// <summary>
/// The vector instructions of one processor generation, as the tile assembler needs them. Element formats other than single precision
/// differ in the multiply-add alone: a lane then holds two or four elements along the contraction, and lengths and steps count lanes.
/// </summary>
internal abstract class InstructionFamily
{
    /// <summary>Lanes of 32 bits in a vector.</summary>
    public abstract int Lanes { get; }

    /// <summary>Rows of the largest tile.</summary>
    public abstract int TileRows { get; }

    /// <summary>Vectors in a row of the largest tile.</summary>
    public abstract int TileVectors { get; }

    /// <summary>Vector registers that hold no mask.</summary>
    public abstract int Registers { get; }

    /// <summary>Bytes in a vector.</summary>
    public int VectorBytes => Lanes * sizeof(float);

    /// <summary>A vector register.</summary>
    public abstract Register Vector(int index);

    /// <summary>Makes the mask of the last vector's columns from the bits at an address.</summary>
    public abstract void PrepareMask(MachineCode code, MemoryOperand bits);

    /// <summary>target = 0.</summary>
    public abstract void Zero(MachineCode code, int target);

    /// <summary>target = vector at address, masked columns 0 and not touched.</summary>
    public abstract void Load(MachineCode code, int target, MemoryOperand address, bool masked);

    /// <summary>Vector at address = source, masked columns not touched.</summary>
    public abstract void Store(MachineCode code, MemoryOperand address, int source, bool masked);

    /// <summary>Every lane of target = the lane at address.</summary>
    public abstract void Broadcast(MachineCode code, int target, MemoryOperand address);

    /// <summary>target += left * right.</summary>
    public abstract void MultiplyAdd(MachineCode code, int target, int left, int right);

    /// <summary>See <see cref="Kernels.MicroKernels.FewColumnsAgainstRows"/>.</summary>
    public virtual int FewColumnsAgainstRows => 128;

    /// <summary>Whether <see cref="MultiplyAddBroadcast"/> exists and some rows of a tile should use it.</summary>
    public virtual bool BroadcastsFromMemory => false;

    /// <summary>target += every lane of the right operand times the lane at address.</summary>
    public virtual void MultiplyAddBroadcast(MachineCode code, int target, int right, MemoryOperand address) =>
        throw new NotSupportedException("The instructions have no multiply-add that broadcasts from memory.");

    /// <summary>target *= right.</summary>
    public abstract void Multiply(MachineCode code, int target, int right);

    /// <summary>target += vector at address; masked columns are not touched. Scratch may be overwritten.</summary>
    public abstract void AddFrom(MachineCode code, int target, MemoryOperand address, bool masked, int scratch);
}
