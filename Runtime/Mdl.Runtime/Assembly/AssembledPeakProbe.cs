using Iced.Intel;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Assembly;

/// <summary>As many multiply-adds in a round as the largest tile has accumulators.</summary>
internal sealed unsafe class AssembledPeakProbe : PeakProbe
{
    private readonly CodeMemory _code;

    public AssembledPeakProbe(InstructionFamily family, int perLane)
    {
        var vectors = family.TileRows * family.TileVectors;
        OperationsPerRound = 2 * family.Lanes * perLane * vectors;
        _code = CodeMemory.TryCreate(Assemble(family, vectors)) ?? throw CodeMemory.Exhausted();
    }

    /// <inheritdoc/>
    public override int OperationsPerRound { get; }

    /// <inheritdoc/>
    public override void Run(long rounds) => ((delegate* unmanaged<long*, void>)_code.Entry)(&rounds);

    /// <inheritdoc/>
    public override void Dispose() => _code.Dispose();

    private static byte[] Assemble(InstructionFamily family, int vectors)
    {
        var convention = CallingConvention.Native;
        var code = new MachineCode();
        convention.Enter(code);
        code.Add(Instruction.Create(Code.Mov_r64_rm64, Register.RAX, new MemoryOperand(Register.RDI)));
        for (var i = 0; i <= vectors + 1; i++)
        {
            family.Zero(code, i);
        }

        var top = code.PlaceHere();
        for (var i = 0; i < vectors; i++)
        {
            family.MultiplyAdd(code, i, vectors, vectors + 1);
        }

        code.Add(Instruction.Create(Code.Dec_rm64, Register.RAX));
        code.Jump(Code.Jne_rel32_64, top);
        convention.Leave(code);
        return code.Encode();
    }
}
