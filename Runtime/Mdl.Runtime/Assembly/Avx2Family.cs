using Iced.Intel;

namespace Mdl.Runtime.Assembly;

/// <summary>AVX2 with FMA: 12 accumulators, two vectors of the right operand, a broadcast and a mask fill the 16 registers.</summary>
internal sealed class Avx2Family : InstructionFamily
{
    private const Register Mask = Register.YMM15;

    /// <inheritdoc/>
    public override int Lanes => 8;

    /// <inheritdoc/>
    public override int TileRows => 6;

    /// <inheritdoc/>
    public override int TileVectors => 2;

    /// <inheritdoc/>
    public override int Registers => 15;

    /// <inheritdoc/>
    public override Register Vector(int index) => Register.YMM0 + index;

    /// <inheritdoc/>
    public override void PrepareMask(MachineCode code, MemoryOperand bits)
    {
        // Lane j shifts bit j of the mask into its sign, which is all that masked moves look at.
        code.Add(Instruction.Create(Code.VEX_Vpbroadcastd_ymm_xmmm32, Mask, bits));
        code.Add(Instruction.Create(Code.Mov_r64_imm64, Register.RAX, 0x18191A1B1C1D1E1FUL));
        code.Add(Instruction.Create(Code.VEX_Vmovq_xmm_rm64, Register.XMM14, Register.RAX));
        code.Add(Instruction.Create(Code.VEX_Vpmovzxbd_ymm_xmmm64, Register.YMM14, Register.XMM14));
        code.Add(Instruction.Create(Code.VEX_Vpsllvd_ymm_ymm_ymmm256, Mask, Mask, Register.YMM14));
    }

    /// <inheritdoc/>
    public override void Zero(MachineCode code, int target) =>
        code.Add(Instruction.Create(Code.VEX_Vxorps_ymm_ymm_ymmm256, Vector(target), Vector(target), Vector(target)));

    /// <inheritdoc/>
    public override void Load(MachineCode code, int target, MemoryOperand address, bool masked) =>
        code.Add(masked
            ? Instruction.Create(Code.VEX_Vmaskmovps_ymm_ymm_m256, Vector(target), Mask, address)
            : Instruction.Create(Code.VEX_Vmovups_ymm_ymmm256, Vector(target), address));

    /// <inheritdoc/>
    public override void Store(MachineCode code, MemoryOperand address, int source, bool masked) =>
        code.Add(masked
            ? Instruction.Create(Code.VEX_Vmaskmovps_m256_ymm_ymm, address, Mask, Vector(source))
            : Instruction.Create(Code.VEX_Vmovups_ymmm256_ymm, address, Vector(source)));

    /// <inheritdoc/>
    public override void Broadcast(MachineCode code, int target, MemoryOperand address) =>
        code.Add(Instruction.Create(Code.VEX_Vbroadcastss_ymm_m32, Vector(target), address));

    /// <inheritdoc/>
    public override void MultiplyAdd(MachineCode code, int target, int left, int right) =>
        code.Add(Instruction.Create(Code.VEX_Vfmadd231ps_ymm_ymm_ymmm256, Vector(target), Vector(left), Vector(right)));

    /// <inheritdoc/>
    public override void Multiply(MachineCode code, int target, int right) =>
        code.Add(Instruction.Create(Code.VEX_Vmulps_ymm_ymm_ymmm256, Vector(target), Vector(target), Vector(right)));

    /// <inheritdoc/>
    public override void AddFrom(MachineCode code, int target, MemoryOperand address, bool masked, int scratch)
    {
        if (!masked)
        {
            code.Add(Instruction.Create(Code.VEX_Vaddps_ymm_ymm_ymmm256, Vector(target), Vector(target), address));
            return;
        }

        Load(code, scratch, address, masked);
        code.Add(Instruction.Create(Code.VEX_Vaddps_ymm_ymm_ymmm256, Vector(target), Vector(target), Vector(scratch)));
    }
}
